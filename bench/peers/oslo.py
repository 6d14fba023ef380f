"""Decisions a second of Debian's oslo.policy on Cinder's own rules: JSON cases in, JSON figures out."""

import json
import sys
import time

from cinder import policies
from oslo_config import cfg
from oslo_policy import policy

conf = cfg.ConfigOpts()
conf([], project='cinder', default_config_files=[], default_config_dirs=[])
enforcer = policy.Enforcer(conf)
enforcer.suppress_default_change_warnings = True
enforcer.suppress_deprecation_warnings = True
enforcer.register_defaults(policies.list_rules())
enforcer.load_rules()

asked = json.load(sys.stdin)
figures = []
for case in asked['cases']:
    credentials = dict(case['credentials'])
    verdict = None
    count = 0
    began = time.perf_counter()
    while time.perf_counter() - began < asked['seconds']:
        for _ in range(100):
            verdict = enforcer.authorize(case['rule'], case['target'], dict(credentials))
        count += 100
    figures.append({'verdict': bool(verdict), 'perSecond': count / (time.perf_counter() - began)})
print(json.dumps(figures))
