"""Makes a Cinder behave as one without the fix of CVE-2023-2088, and records what the fix would have said."""

import json
import os

from cinder.volume import api


def _identity(value):
    return value if value is None or isinstance(value, str) else value.id


def forget_the_fix(path):
    """Replaces the safety check: it is still asked, its verdict goes to `path`, and everything passes.

    With `none` for a path it is not asked at all, which is how a legacy Cinder takes its time.
    """
    original = api.API.attachment_deletion_allowed
    if path == "none":
        api.API.attachment_deletion_allowed = lambda *_args, **_more: None
        return

    def allow_everything(self, ctxt, attachment_or_attachment_id, volume=None):
        failure = None
        try:
            original(self, ctxt, attachment_or_attachment_id, volume)
        except Exception as error:  # the verdict of the fix, whatever it is
            failure = error
        line = json.dumps(
            {
                "request_id": ctxt.request_id,
                "global_request_id": ctxt.global_request_id,
                "allowed": failure is None,
                "exception": None if failure is None else type(failure).__name__,
                "message": None if failure is None else str(failure),
                "volume_id": _identity(volume),
                "attachment_id": _identity(attachment_or_attachment_id),
            }
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (line + "\n").encode())
        finally:
            os.close(descriptor)

    api.API.attachment_deletion_allowed = allow_everything
