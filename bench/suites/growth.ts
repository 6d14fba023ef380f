import { Secret } from '../../src/config/secret.ts'
import { cachedValidator } from '../../src/identity/cache.ts'
import type { Token } from '../../src/identity/identity.ts'
import { compileRules, type Override } from '../../src/policy/ruleset.ts'
import { plot } from '../parts/plot.ts'
import { gateway, nginxUpstream, peer } from '../parts/proxies.ts'
import { sequential } from '../parts/sequential.ts'
import { median } from '../parts/stats.ts'
import { thousands } from '../parts/table.ts'

type Points = readonly (readonly [string, number])[]

/** What a request costs as the work around it grows. */
export async function growth(): Promise<string> {
  const attachments = await overAttachments()
  return [
    plot('Look-up of a cached token', 'tokens in the cache', 'microseconds', await overTokens()),
    'Flat but for the memory caches of the machine, which a million entries do not fit in.',
    plot('One policy decision', 'rules in the policy', 'nanoseconds', overRules()),
    'Flat: a decision follows its own rule and those that it names.',
    plot(
      'os-detach refused, gateway with Nova, Keystone and Cinder',
      'attachments on the volume',
      'milliseconds',
      attachments,
    ),
    'Linear beyond some ten, by the list of attachments that Cinder makes and the gateway reads.',
    plot('An allowed action passed on', 'KiB of body', 'milliseconds', await overBodies()),
    'Linear: the body is read once, judged, and sent. Cinder takes up to 112 KiB.',
  ].join('\n\n')
}

async function overTokens(): Promise<Points> {
  const now = Date.now()
  const token: Token = {
    userId: 'u1',
    userName: 'alice',
    userDomainId: 'default',
    roles: ['member'],
    scope: { kind: 'project', projectId: 'p1', projectDomainId: 'default' },
    isAdminProject: true,
    expiresAt: now + 3_600_000,
    hasAccessRules: false,
  }
  const points: [string, number][] = []
  for (const count of [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]) {
    const cache = cachedValidator(
      { validate: async () => ({ ...token }) },
      { time: 3600, negativeTime: 1, size: count, now: Date.now },
    )
    const name = (at: number): Secret => new Secret(`gAAAAAB-${at}`)
    for (let at = 0; at < count; at += 1) await cache.validate(name(at), false, 'req-1')
    const rounds: number[] = []
    for (let round = 0; round < 7; round += 1) {
      // A stride that visits all, not in the order in which they came.
      const asked = Array.from({ length: 50_000 }, (_, at) => name((at * 7919) % count))
      const began = performance.now()
      for (const each of asked) {
        const found = cache.validate(each, false, 'req-1')
        if (found instanceof Promise) throw new Error('not in the cache')
      }
      rounds.push(((performance.now() - began) * 1000) / asked.length)
    }
    points.push([thousands(count), median(rounds)])
  }
  return points
}

function overRules(): Points {
  const credentials = { user_id: 'u1', project_id: 'p1', roles: ['member', 'reader'], is_admin: false }
  const target = { project_id: 'p1', user_id: 'u1' }
  return [10, 100, 1000, 10_000].map((count) => {
    const rules = compileRules(
      new Map(
        Array.from({ length: count }, (_, at): [string, Override] => [
          `own:${at}`,
          {
            check: `role:none${at} or (role:member and project_id:%(project_id)s)`,
            place: { file: 'bench', line: at, column: 1 },
          },
        ]),
      ),
    )
    if ('problems' in rules) throw new Error(JSON.stringify(rules.problems))
    const names = Array.from({ length: 1000 }, (_, at) => `own:${(at * 7919) % count}`)
    const rounds: number[] = []
    for (let round = 0; round < 9; round += 1) {
      const began = performance.now()
      for (let again = 0; again < 100; again += 1)
        for (const name of names) if (!rules.allows(name, credentials, target)) throw new Error('refused')
      rounds.push(((performance.now() - began) * 1e6) / (100 * names.length))
    }
    return [thousands(count), median(rounds.slice(2))] as const
  })
}

async function overAttachments(): Promise<Points> {
  const cloud = await peer('attached', [], '0')
  const { keystone = '', cinder = '', token = '', project = '' } = cloud.said
  const volumes = JSON.parse(cloud.said.volumes ?? '{}') as Record<string, string>
  const attachments = JSON.parse(cloud.said.attachments ?? '{}') as Record<string, string>
  const proxy = await gateway(cinder, keystone, '1')
  const points: [string, number][] = []
  for (const [count, volume] of Object.entries(volumes)) {
    const body = JSON.stringify({ 'os-detach': { attachment_id: attachments[count] } })
    const path = `/v3/${project}/volumes/${volume}/action`
    const sent = { method: 'POST', path, token, body, status: 409 } as const
    points.push([thousands(Number(count)), await sequential(proxy.url, 300, sent)])
  }
  await proxy.stop()
  await cloud.stop()
  return points
}

async function overBodies(): Promise<Points> {
  const upstream = await nginxUpstream('0')
  const cloud = await peer('cloud', [], '0')
  const { keystone = '', token = '', project = '' } = cloud.said
  const proxy = await gateway(upstream.url, keystone, '1')
  const points: [string, number][] = []
  for (const size of [1, 7, 28, 56, 111]) {
    const metadata: Record<string, string> = {}
    for (let at = 0; at < size * 8; at += 1) metadata[`key-${String(at).padStart(4, '0')}`] = 'v'.repeat(110)
    const body = JSON.stringify({ 'os-set_image_metadata': { metadata } })
    const path = `/v3/${project}/volumes/10000000-0000-4000-8000-000000000001/action`
    const sent = { method: 'POST', path, token, body, status: 200 } as const
    points.push([String(Math.round(body.length / 1024)), await sequential(proxy.url, 1500, sent)])
  }
  for (const each of [proxy, cloud, upstream]) await each.stop()
  return points
}
