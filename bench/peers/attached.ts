// The stand-in cloud with a volume of alice's for each of 1, 10, 100 and 1,000 attachments, the first in use by Nova:
// `node bench/peers/attached.ts`.
import { startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS, SERVERS, USERS } from '../../src/demo/fixture.ts'

const cloud = await startCloud()
const server = cloud.nova.servers.get(SERVERS['web-1'])
if (server === undefined) throw new Error('no server')
const volumes: Record<string, string> = {}
const attachments: Record<string, string> = {}
for (const count of [1, 10, 100, 1000]) {
  const volume = cloud.cinder.store.addVolume({
    projectId: PROJECTS.demo,
    userId: USERS.alice,
    status: 'in-use',
    multiattach: true,
  })
  volumes[count] = volume.id
  for (let at = 0; at < count; at += 1) {
    const { id } = cloud.cinder.store.addAttachment({
      volumeId: volume.id,
      instanceId: SERVERS['web-1'],
      connectionInfo: { driver_volume_type: 'fake', data: { access_mode: 'rw' } },
    })
    attachments[count] ??= id
    if (at === 0)
      server.volumes.push({ volumeId: volume.id, attachmentId: id, device: '/dev/vdz', bdmUuid: id })
  }
}
const said = { ...cloud.urls, token: cloud.token('alice'), project: PROJECTS.demo }
process.stdout.write(
  `${JSON.stringify({ ...said, volumes: JSON.stringify(volumes), attachments: JSON.stringify(attachments) })}\n`,
)
