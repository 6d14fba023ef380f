"""Builds pycadf's own event of each decision record (a JSON object a line), answers what pycadf makes of them."""
import datetime
import inspect
import json
import re
import sys
import warnings

from keystonemiddleware.audit import _api as audit
from pycadf import attachment, event, host, reason, resource, timestamp

# What OpenStack's own audit filter adds to an initiator; pycadf itself has no such keys.
AUDIT_KEYS = [
    name
    for name, parameter in inspect.signature(audit.ClientResource.__init__).parameters.items()
    if name != 'self' and parameter.kind is not parameter.VAR_KEYWORD
]
NOT_UUID = re.compile(r'^Invalid uuid: (.*)\. To ensure')


def plain(what, keys):
    """The keys that pycadf has for a type, and the names of the others."""
    return {key: what[key] for key in what if key in keys}, [key for key in what if key not in keys]


def built(record):
    """The record's event by pycadf's own constructors, and the names of what they have no place for."""
    others = {}

    def resource_of(name):
        known, others[name] = plain(record[name], resource.RESOURCE_KEYNAMES)
        if 'host' in known:
            fields, others[name + '.host'] = plain(known['host'], host.HOST_KEYNAMES)
            known['host'] = host.Host(**fields)
        return resource.Resource(**known)

    known, others['event'] = plain(record, event.EVENT_KEYNAMES)
    because, others['reason'] = plain(record['reason'], reason.REASON_KEYNAMES)
    attached = known.pop('attachments')
    if known.pop('typeURI') != event.TYPE_URI_EVENT:
        raise ValueError('another type of event')
    parts = {name: resource_of(name) for name in ('initiator', 'target', 'observer')}
    parts['reason'] = reason.Reason(**because)
    made = event.Event(**{**known, **parts})
    for each in attached:
        fields, others['attachment'] = plain(each, attachment.ATTACHMENT_KEYNAMES)
        parts['attachment'] = attachment.Attachment(**fields)
        made.add_attachment(parts['attachment'])
    return {'event': made, **parts}, others


def without(record, others):
    """The record without what pycadf has no place for."""
    def kept(name, what):
        return {key: value for key, value in what.items() if key not in others.get(name, [])}

    rest = kept('event', record)
    for name in ('initiator', 'target', 'observer', 'reason'):
        rest[name] = kept(name, rest[name])
    return rest


def judged(record):
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter('always')
        parts, others = built(record)
    theirs = parts['event'].as_dict()
    ours = without(record, others)
    stamped = datetime.datetime.strptime(record['eventTime'], timestamp.TIME_FORMAT)
    return {
        'invalid': [name for name, part in parts.items() if not part.is_valid()],
        'others': {name: keys for name, keys in others.items() if keys},
        'beyond_audit': [key for key in others['initiator'] if key not in AUDIT_KEYS],
        'same': ours == theirs,
        'ours': None if ours == theirs else ours,
        'theirs': None if ours == theirs else theirs,
        'offset': stamped.utcoffset().total_seconds(),
        'not_uuids': sorted({id for each in noted for id in NOT_UUID.findall(str(each.message))}),
    }


print(json.dumps([judged(json.loads(line)) for line in sys.stdin if line.strip()]))
