"""oslo.policy as an oracle: one JSON question a line in, one JSON answer a line out."""

import json
import logging
import os
import sys
import tempfile
import warnings

from oslo_config import cfg
from oslo_policy import _external
from oslo_policy import policy

logging.disable(logging.CRITICAL)
warnings.simplefilter('ignore')


class Answer:
    def __init__(self, url):
        self.text = '"True"' if len(url) % 2 == 0 else 'False'

    def close(self):
        pass


_external.requests.post = lambda url, **_: Answer(url)


def enforcer_of(question):
    conf = cfg.ConfigOpts()
    conf([], project='oracle', default_config_files=[], default_config_dirs=[])
    if 'defaults' not in question:
        enforcer = policy.Enforcer(conf, use_conf=False)
        enforcer.set_rules(policy.Rules.from_dict(question['rules'], 'default'), use_conf=False)
        return enforcer, None
    handle, path = tempfile.mkstemp(suffix='.json')
    with os.fdopen(handle, 'w') as file:
        json.dump(question['rules'], file)
    enforcer = policy.Enforcer(conf, policy_file=path)
    conf.set_override('enforce_new_defaults', question['enforceNewDefaults'], group='oslo_policy')
    conf.set_override('policy_dirs', [], group='oslo_policy')
    for row in question['defaults']:
        old = row.get('deprecated')
        enforcer.register_default(policy.RuleDefault(
            row['name'], row['check'],
            deprecated_rule=old and policy.DeprecatedRule(
                old['name'], old['check'], deprecated_reason='-', deprecated_since='-')))
    return enforcer, path


def decide(enforcer, case):
    try:
        return bool(enforcer.enforce(case['rule'], case['target'], dict(case['credentials'])))
    except Exception as error:
        return type(error).__name__


def answer(question):
    if 'yaml' in question:
        try:
            return policy.parse_file_contents(question['yaml'])
        except Exception as error:
            return type(error).__name__
    enforcer, path = enforcer_of(question)
    try:
        return [decide(enforcer, case) for case in question['cases']]
    finally:
        if path:
            os.unlink(path)


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line)), default=repr), flush=True)
