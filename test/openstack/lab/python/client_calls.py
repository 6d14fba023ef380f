"""python-cinderclient as a program would use it: detaches the volume named, prints what came of each step as JSON."""
import json
import os
import sys

from cinderclient import client, exceptions
from keystoneauth1 import loading, session

plugin = loading.get_plugin_loader('password').load_from_options(
    auth_url=os.environ['OS_AUTH_URL'], username=os.environ['OS_USERNAME'], password=os.environ['OS_PASSWORD'],
    project_name=os.environ['OS_PROJECT_NAME'], user_domain_id='default', project_domain_id='default')
auth = session.Session(auth=plugin)
volume, server, base = sys.argv[1:4]
cinder = client.Client('3.27', session=auth, endpoint_override=f'{base}/v3/{auth.get_project_id()}')
steps = []


def step(name, call):
    try:
        call()
        steps.append([name, 'ok'])
    except exceptions.ClientException as error:
        steps.append([name, f'{error.code} {error.message}'])


step('attach', lambda: cinder.volumes.attach(volume, server, '/dev/vdb'))
step('detach', lambda: cinder.volumes.detach(volume))
step('begin_detaching', lambda: cinder.volumes.begin_detaching(volume))
step('roll_detaching', lambda: cinder.volumes.roll_detaching(volume))
step('terminate_connection', lambda: cinder.volumes.terminate_connection(volume, {'host': 'h1'}))
step('force_detach', lambda: cinder.volumes._action('os-force_detach', volume, {}))
print(json.dumps(steps))
