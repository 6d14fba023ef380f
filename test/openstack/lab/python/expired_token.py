"""Writes a token of a user on a project that ended five minutes ago, as this Keystone would have issued it."""
import datetime
import sys

import keystone.conf
from keystone.common import utils
from keystone.token import token_formatters

conf, user, project = sys.argv[1:]
keystone.conf.configure()
keystone.conf.CONF([], project='keystone', default_config_files=[conf])
end = utils.isotime(datetime.datetime.utcnow() - datetime.timedelta(minutes=5), subsecond=True)
print(token_formatters.TokenFormatter().create_token(
    user, end, ['bGFiIGV4cGlyZWQgdG9rZW4'], token_formatters.ProjectScopedPayload,
    methods=['password'], project_id=project))
