"""Deletes an attachment as nova-compute does: Nova's own code, a context that came by RPC, and its nova.conf.

Reads {"conf", "token", "user_id", "project_id", "attachment_id"} from standard input; prints {"status"}.
"""
import json
import sys

import nova.conf
from nova import context as nova_context
from nova import exception
from nova.volume import cinder

asked = json.load(sys.stdin)
nova.conf.CONF([], project='nova', default_config_files=[asked['conf']])
context = nova_context.RequestContext(
    user_id=asked['user_id'],
    project_id=asked['project_id'],
    auth_token=asked['token'],
    roles=['member', 'reader'],
    service_catalog=[],
)
status = 200
try:
    cinder.API().attachment_delete(context, asked['attachment_id'])
except exception.NovaException as error:
    status = error.code
except Exception as error:
    status = getattr(error, 'code', 0) or str(error)
print(json.dumps({'status': status}))
