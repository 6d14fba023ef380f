"""A WSGI application that writes down each request as its server read it, one JSON object a line, to $RECORDS."""
import hashlib
import json
import os
import sys


def application(environ, start_response):
    length = int(environ.get('CONTENT_LENGTH') or 0)
    body = environ['wsgi.input'].read(length) if length else b''
    target = environ.get('REQUEST_URI') or environ.get('RAW_URI')
    if target is None:
        target = environ['RAW_PATH_INFO'] + ('?' + environ['QUERY_STRING'] if environ.get('QUERY_STRING') else '')
    # eventlet says text/plain where there is none
    sent = [name.lower() for name, _ in environ.get('headers_raw', [('content-type', '')])]
    kind = environ.get('CONTENT_TYPE', '') if 'content-type' in sent else ''
    line = json.dumps({
        'id': environ.get('HTTP_X_OPENSTACK_REQUEST_ID', ''),
        'method': environ['REQUEST_METHOD'],
        'target': target,
        'token': environ.get('HTTP_X_AUTH_TOKEN', ''),
        'type': kind,
        'body': hashlib.sha256(body).hexdigest(),
    })
    with open(os.environ['RECORDS'], 'a') as records:
        records.write(line + '\n')
    start_response('200 OK', [('Content-Length', '2'), ('Content-Type', 'text/plain')])
    return [b'ok']


if __name__ == '__main__':
    import eventlet
    import eventlet.wsgi

    eventlet.wsgi.server(eventlet.listen(('127.0.0.1', int(sys.argv[1]))), application, log_output=False)
