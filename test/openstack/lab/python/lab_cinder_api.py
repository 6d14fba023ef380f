"""uWSGI application: the Cinder API of LAB_CINDER_CONF; with LAB_VERDICTS set, a legacy one."""

import os
import sys

sys.argv = ["cinder-api", "--config-file", os.environ["LAB_CINDER_CONF"]]

from cinder.wsgi.wsgi import initialize_application  # noqa: E402

from lab_prefix import serve_below_prefix  # noqa: E402

serve_below_prefix()
application = initialize_application()

if os.environ.get("LAB_VERDICTS"):
    from lab_legacy import forget_the_fix

    forget_the_fix(os.environ["LAB_VERDICTS"])
