import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { IDS } from '../cases.ts'
import type { LabFixtures } from '../lab/LabFixtures.ts'
import type { Lab } from '../lab/lab.ts'

/** A server whose volume Nova's API detaches by itself, without a compute host. */
export const SHELVED: LabFixtures = {
  volumes: [{ id: IDS.volume, project: 'demo', status: 'in-use', attachStatus: 'attached' }],
  attachments: [
    {
      id: IDS.attachment,
      volumeId: IDS.volume,
      instanceId: IDS.server,
      attachStatus: 'attached',
      connectionInfo: { driver_volume_type: 'fake', data: { access_mode: 'rw' } },
    },
  ],
  instances: [
    {
      id: IDS.server,
      project: 'demo',
      vmState: 'shelved_offloaded',
      attached: [{ volumeId: IDS.volume, attachmentId: IDS.attachment }],
    },
  ],
}

/** Takes `[service_user]` out of nova.conf, as in a cloud from before the fix. @returns what was taken. */
export async function forgetServiceUser(lab: Lab): Promise<string> {
  const text = readFileSync(lab.paths.novaConf, 'utf8')
  const section = /^\[service_user\]\n(?:(?!\[).*\n)*/m.exec(text)?.[0] ?? ''
  if (section === '') throw new Error('nova.conf has no [service_user]')
  writeFileSync(lab.paths.novaConf, text.replace(section, ''))
  await restart(lab)
  return section
}

/** Adds lines to nova.conf, and starts Nova again. */
export async function addToNova(lab: Lab, lines: string): Promise<void> {
  writeFileSync(lab.paths.novaConf, `${readFileSync(lab.paths.novaConf, 'utf8')}\n${lines}\n`)
  await restart(lab)
}

async function restart(lab: Lab): Promise<void> {
  await lab.kill('nova')
  await lab.revive('nova')
}

/** Detaches by the Compute API, as `openstack server remove volume` does. @returns the status. */
export async function removeVolume(lab: Lab): Promise<number> {
  const { token } = await lab.token('member')
  const path = `${lab.urls.nova}/servers/${IDS.server}/os-volume_attachments/${IDS.volume}`
  const headers = { 'x-auth-token': token, 'openstack-api-version': 'compute 2.93' }
  const answer = await request(path, { method: 'DELETE', headers })
  await answer.body.dump()
  await sleep(500)
  return answer.statusCode
}
