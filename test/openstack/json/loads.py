"""Reads base64 lines, answers each with what oslo.serialization makes of the bytes, as Cinder's API reads a body."""
import base64
import json
import sys

from oslo_serialization import jsonutils

for line in sys.stdin:
    try:
        value = jsonutils.loads(base64.b64decode(line))
        answer = json.dumps(value, separators=(',', ':'))
    except RecursionError:
        answer = 'RecursionError'
    except ValueError:
        answer = 'ValueError'
    print(json.dumps(answer), flush=True)
