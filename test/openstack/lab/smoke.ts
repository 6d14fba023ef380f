import { isDeepStrictEqual } from 'node:util'
import type { LabFixtures } from './LabFixtures.ts'
import { type Lab, type LabToken, startLab } from './lab.ts'

const volume = '11111111-1111-4111-8111-111111111111'
const attachment = '22222222-2222-4222-8222-222222222222'
const server = '33333333-3333-4333-8333-333333333333'
const refusal = `ConflictNovaUsingAttachment: Detach volume from instance ${server} using the Compute API`
const conflict = { conflictingRequest: { code: 409, message: refusal } }

const inUse = (known: boolean): LabFixtures => ({
  volumes: [{ id: volume, project: 'demo', status: 'in-use', attachStatus: 'attached' }],
  attachments: [
    {
      ...{ id: attachment, volumeId: volume, instanceId: server, attachStatus: 'attached' },
      ...{
        connectionInfo: { driver_volume_type: 'lab', data: {} },
        connector: { host: 'lab' },
        attachedHost: 'lab',
      },
    },
  ],
  instances: [
    { id: server, project: 'demo', attached: known ? [{ volumeId: volume, attachmentId: attachment }] : [] },
  ],
})

let failures = 0
function expect(what: string, seen: unknown, wanted: unknown): void {
  const good = isDeepStrictEqual(seen, wanted)
  if (!good) failures++
  console.log(
    good ? `ok    ${what}` : `WRONG ${what}: ${JSON.stringify(seen)}, wanted ${JSON.stringify(wanted)}`,
  )
}

type Call = {
  method: string
  path: string
  body?: unknown
  as: LabToken
  service?: LabToken
  requestId?: string
}

async function call(base: string, { method, path, body, as, service, requestId }: Call) {
  const answer = await fetch(`${base}/v3/${as.projectId}${path}`, {
    method,
    headers: {
      'x-auth-token': as.token,
      'openstack-api-version': 'volume 3.59',
      ...(service ? { 'x-service-token': service.token } : {}),
      ...(requestId ? { 'x-openstack-request-id': requestId } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await answer.text()
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : text
  return { status: answer.status, json, id: answer.headers.get('x-openstack-request-id') }
}

async function guardedCalls(lab: Lab): Promise<void> {
  const { cinder } = lab.urls
  const [member, reader, nova, plain] = [
    await lab.token('member'),
    await lab.token('reader'),
    await lab.token('nova'),
    await lab.token('plain'),
  ]
  const detach = { method: 'POST', path: `/volumes/${volume}/action`, body: { 'os-detach': {} } }
  const terminate = { ...detach, body: { 'os-terminate_connection': { connector: null } } }
  const remove = { method: 'DELETE', path: `/attachments/${attachment}` }

  for (const base of [cinder.fixed, cinder.fixedRequired]) {
    lab.reset(inUse(true))
    const shown = await call(base, { method: 'GET', path: `/volumes/${volume}`, as: member })
    expect(
      'show',
      [shown.status, (shown.json as { volume?: { status?: string } }).volume?.status],
      [200, 'in-use'],
    )
    for (const [name, request] of Object.entries({ detach, terminate, remove })) {
      const refused = await call(base, { ...request, as: member })
      expect(`${name} as member, fixed`, [refused.status, refused.json], [409, conflict])
    }
    expect('detach as reader, fixed', (await call(base, { ...detach, as: reader })).status, 409)
    const withPlain = await call(base, { ...detach, as: member, service: plain })
    expect('a user token as service token', withPlain.status, base === cinder.fixed ? 409 : 401)
    const byNova = await call(base, { ...detach, as: member, service: nova })
    expect('detach with the service token of Nova, fixed', byNova.status, 202)
    lab.reset(inUse(true))
    expect(
      'remove with the service token of Nova, fixed',
      (await call(base, { ...remove, as: member, service: nova })).status,
      200,
    )
    lab.reset(inUse(false))
    expect('detach when Nova knows nothing, fixed', (await call(base, { ...detach, as: member })).status, 202)
  }

  for (const base of [cinder.legacy, cinder.legacyRequired]) {
    const requestId = 'req-00000000-0000-4000-8000-000000000001'
    for (const known of [true, false]) {
      lab.reset(inUse(known))
      lab.clearVerdicts()
      const done = await call(base, { ...detach, as: member, requestId })
      const verdicts = lab
        .readVerdicts()
        .map((v) => [v.request_id, v.global_request_id, v.allowed, v.exception, v.volume_id])
      const wanted = [done.id, requestId, !known, known ? 'ConflictNovaUsingAttachment' : null, volume]
      expect(
        `detach, legacy, Nova ${known ? 'knows' : 'does not know'}`,
        [done.status, verdicts],
        [202, [wanted]],
      )
      expect('then the volume is', lab.cinderRow('volumes', volume)?.status, 'available')
    }
    lab.reset(inUse(true))
    lab.clearVerdicts()
    expect('remove, legacy', (await call(base, { ...remove, as: member })).status, 200)
    expect(
      'its verdict',
      lab.readVerdicts().map((v) => v.allowed),
      [false],
    )
    expect('its row is deleted', lab.cinderRow('volume_attachment', attachment)?.deleted, 1)
  }
}

async function create(lab: Lab): Promise<void> {
  const member = await lab.token('member')
  const made = await call(lab.urls.cinder.fixed, {
    method: 'POST',
    path: '/volumes',
    as: member,
    body: { volume: { size: 1 } },
  })
  expect('create a volume', made.status, 202)
  const { id } = (made.json as { volume: { id: string } }).volume
  const limit = performance.now() + 30_000
  let status: unknown
  do {
    await new Promise((resolve) => setTimeout(resolve, 100))
    status = lab.cinderRow('volumes', id)?.status
  } while (status === 'creating' && performance.now() < limit)
  expect('the new volume', status, 'available')
}

const begin = performance.now()
const lab = await startLab({ eventlet: process.argv.includes('--eventlet') })
try {
  console.log(`started in ${Math.round(performance.now() - begin)} ms`, lab.timings)
  await guardedCalls(lab)
  if (process.argv.includes('--eventlet')) {
    lab.reset(inUse(true))
    lab.clearVerdicts()
    const as = await lab.token('member')
    const done = await call(lab.urls.eventlet, { method: 'DELETE', path: `/attachments/${attachment}`, as })
    expect('remove, eventlet', [done.status, lab.readVerdicts().map((v) => v.allowed)], [200, [false]])
  }
  await create(lab)
  const before = performance.now()
  for (let turn = 0; turn < 20; turn++) lab.reset(inUse(true))
  console.log(`reset: ${((performance.now() - before) / 20).toFixed(1)} ms`)
} finally {
  const before = performance.now()
  await lab.stop()
  console.log(`stopped in ${Math.round(performance.now() - before)} ms`)
}
console.log(failures === 0 ? 'all as expected' : `${failures} WRONG`)
process.exitCode = failures === 0 ? 0 : 1
