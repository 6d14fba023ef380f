import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { IDS, SITUATIONS } from './cases.ts'
import { labPassword } from './lab/accounts.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** The clients that people use, from Debian's packages, find the gateway in the catalogue instead of Cinder. */
const run = promisify(execFile)
const REFUSED = `ConflictNovaUsingAttachment: Detach volume from instance ${IDS.server} using the Compute API`
const IN_USE = SITUATIONS['Nova uses this attachment'] ?? { volumes: [], attachments: [], instances: [] }
const IDLE_SERVER = { id: IDS.server, project: 'demo', attached: [] } as const
let lab: Lab
let gateway: Gateway

beforeAll(async () => {
  lab = await sharedLab()
  gateway = await gatewayFor(lab, lab.urls.cinder.legacy)
  lab.pointVolumesAt(gateway.url)
})
afterAll(async () => {
  lab.pointVolumesAt(lab.urls.cinder.fixed)
  await gateway.stop()
})
beforeEach(() => lab.clearVerdicts())

async function client(program: string, ...args: string[]): Promise<{ output: string; errors: string }> {
  const env = {
    ...process.env,
    OS_AUTH_URL: lab.urls.keystone,
    OS_USERNAME: 'member',
    OS_PASSWORD: labPassword,
    OS_PROJECT_NAME: 'demo',
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_IDENTITY_API_VERSION: '3',
    OS_VOLUME_API_VERSION: '3.44',
  }
  try {
    const { stdout, stderr } = await run(program, args, { env })
    return { output: stdout, errors: stderr }
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    return { output: stdout, errors: stderr }
  }
}
const notExecuted = () => expect(lab.readVerdicts().filter(({ allowed }) => !allowed)).toEqual([])

describe('the openstack client', () => {
  const openstack = (...args: string[]) => client('openstack', ...args)
  async function json<T>(...args: string[]): Promise<T> {
    const { output, errors } = await openstack(...args, '-f', 'json')
    if (output === '') throw new Error(errors)
    return JSON.parse(output) as T
  }
  const statusOf = async (id: string) =>
    (await json<{ ID: string; Status: string }[]>('volume', 'list')).find(({ ID }) => ID === id)?.Status

  test('creates, lists, attaches, detaches and deletes', async () => {
    lab.reset({ instances: [IDLE_SERVER] })
    const { id } = await json<{ id: string }>('volume', 'create', '--size', '1', 'one')
    await vi.waitFor(async () => expect(await statusOf(id)).toBe('available'), 30_000)
    const connector = ['--connect', 'True', '--host', 'h1', '--ip', '10.0.0.1', '--initiator', 'iqn.a']
    // The openstack client wants to see the server first, and the lab's Nova has no more of it than its row.
    await client('cinder', 'attachment-create', ...connector, id, IDS.server)
    const listed = await json<{ ID: string; 'Volume ID': string }[]>('volume', 'attachment', 'list')
    expect(listed.map((row) => row['Volume ID'])).toEqual([id])
    const attachment = listed[0]?.ID ?? ''
    await openstack('volume', 'attachment', 'complete', attachment)
    expect(await statusOf(id)).toBe('in-use')
    expect(await openstack('volume', 'attachment', 'delete', attachment)).toEqual({ output: '', errors: '' })
    expect(await statusOf(id)).toBe('available')
    expect(await openstack('volume', 'delete', id)).toEqual({ output: '', errors: '' })
    await vi.waitFor(async () => expect(await statusOf(id)).toBeUndefined(), 30_000)
  })

  test('is told by the gateway to use the Compute API', async () => {
    lab.reset(IN_USE)
    const { errors } = await openstack('volume', 'attachment', 'delete', IDS.attachment)
    expect(errors).toContain(REFUSED)
    expect(await statusOf(IDS.volume)).toBe('in-use')
    notExecuted()
  })
})

describe('the cinder client', () => {
  const cinder = (...args: string[]) => client('cinder', ...args)
  const idIn = (table: string) => / id +\| ([0-9a-f-]{36}) /i.exec(table)?.[1] ?? ''

  test('creates, lists, attaches, detaches and deletes', async () => {
    lab.reset({ instances: [IDLE_SERVER] })
    const id = idIn((await cinder('create', '1', '--name', 'two')).output)
    await vi.waitFor(async () => expect((await cinder('list')).output).toContain('available'), 30_000)
    const connector = ['--connect', 'True', '--host', 'h1', '--ip', '10.0.0.1', '--initiator', 'iqn.a']
    const { output } = await cinder('attachment-create', ...connector, id, IDS.server)
    const attachment = idIn(output)
    await cinder('attachment-complete', attachment)
    expect((await cinder('attachment-list')).output).toContain(attachment)
    expect((await cinder('show', id)).output).toContain('in-use')
    expect((await cinder('attachment-delete', attachment)).errors).toBe('')
    expect((await cinder('list')).output).toContain('available')
    expect((await cinder('delete', id)).output).toContain('accepted')
    await vi.waitFor(async () => expect((await cinder('list')).output).not.toContain(id), 30_000)
  })

  test('is told by the gateway to use the Compute API', async () => {
    lab.reset(IN_USE)
    const { output, errors } = await cinder('attachment-delete', IDS.attachment)
    expect(output + errors).toContain(REFUSED)
    notExecuted()
  })

  test.each([
    [
      'a volume that no instance uses',
      {
        volumes: [{ id: IDS.volume, project: 'demo', status: 'attaching', attachStatus: 'detached' }],
        instances: [IDLE_SERVER],
      },
      'ok',
    ],
    ['the volume of an instance', IN_USE, `409 ${REFUSED}`],
  ] as const)('as a library: %s, as with a fixed Cinder', async (_name, fixture, detached) => {
    const script = join(import.meta.dirname, 'lab', 'python', 'client_calls.py')
    const stepsAt = async (base: string) => {
      lab.reset(fixture)
      const { output, errors } = await client('/usr/bin/python3', script, IDS.volume, IDS.server, base)
      if (output === '') throw new Error(errors)
      return JSON.parse(output) as [step: string, result: string][]
    }
    const fixed = await stepsAt(lab.urls.cinder.fixed)
    expect(fixed).toContainEqual(['detach', detached])
    expect(fixed).toContainEqual(['terminate_connection', detached])
    expect(fixed).toContainEqual(['force_detach', expect.stringMatching(/^403 Policy doesn't allow/)])
    expect(await stepsAt(gateway.url)).toEqual(fixed)
    notExecuted()
  })
})
