"""
Reads base64 lines, answers each with what oslo.serialization makes of the bytes, as Cinder's API reads a body, and
with the key of an object that has only one: to Cinder, the name of the action.
"""
import base64
import json
import sys

from oslo_serialization import jsonutils

for line in sys.stdin:
    action = None
    try:
        value = jsonutils.loads(base64.b64decode(line))
        if isinstance(value, dict) and len(value) == 1:
            action = list(value)[0]
        answer = json.dumps(value, separators=(',', ':'))
    except RecursionError:
        answer = 'RecursionError'
    except ValueError:
        answer = 'ValueError'
    print(json.dumps({'answer': answer, 'action': action}), flush=True)
