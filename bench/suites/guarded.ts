import { request } from 'undici'
import { IDS, SITUATIONS } from '../../test/openstack/cases.ts'
import { startLab } from '../../test/openstack/lab/lab.ts'
import { gatewayBeside } from '../parts/proxies.ts'
import { median, percentile } from '../parts/stats.ts'
import { table } from '../parts/table.ts'
import { type Target, targets } from '../parts/targets.ts'

/** What os-detach is asked of, and the status that both answer with. */
const CASES = [
  { name: 'os-detach refused', situation: 'Nova uses this attachment', status: 409, goal: 0.5, why: '' },
  {
    name: 'os-detach allowed: Nova does not use it',
    situation: 'volume not attached to the instance',
    status: 202,
    goal: 1,
    why: '',
  },
  {
    name: 'os-detach allowed: no instance',
    situation: 'no instance',
    status: 202,
    goal: 1,
    why: 'a fixed Cinder reads the attachments in its own database, the gateway asks Cinder for them',
  },
  {
    name: 'os-detach allowed: the service asks',
    situation: 'Nova uses this attachment',
    status: 202,
    service: true,
    goal: 1,
    why: 'neither asks Nova, and the gateway is one hop more',
  },
] as const

/** SQLite under two Cinders is now and then locked, a stray 500: once more, and what failed is not timed. */
async function again(work: () => Promise<number>): Promise<number> {
  for (let tries = 0; ; tries += 1)
    try {
      return await work()
    } catch (error) {
      if (tries === 3) throw error
    }
}

/** The gateway with a legacy Cinder beside a fixed Cinder, on the real OpenStack; one client, turn by turn. */
export async function guarded({ rounds = 60 } = {}): Promise<string> {
  const lab = await startLab({ cinders: ['fixed', 'legacy'], isTimed: true })
  try {
    const proxies = {
      'http-proxy-3': await gatewayBeside(lab.paths.cinderConf, lab.urls.cinder.legacy),
      undici: await gatewayBeside(lab.paths.cinderConf, lab.urls.cinder.legacy, { forwarder: 'undici' }),
    }
    const user = await lab.token('member')
    const service = await lab.token('nova')
    const ways = {
      'fixed Cinder': lab.urls.cinder.fixed,
      'legacy Cinder alone': lab.urls.cinder.legacy,
      'Cinderguard + legacy Cinder': proxies['http-proxy-3'].url,
      'the same, forwarder = undici': proxies.undici.url,
    }
    const rows: string[][] = []
    const aims: Target[] = []
    for (const one of CASES) {
      const fixture = SITUATIONS[one.situation]
      if (fixture === undefined) throw new Error(one.situation)
      const detach = async (base: string): Promise<number> => {
        const began = performance.now()
        const answer = await request(`${base}/v3/${user.projectId}/volumes/${IDS.volume}/action`, {
          method: 'POST',
          headers: {
            'x-auth-token': user.token,
            'content-type': 'application/json',
            ...('service' in one ? { 'x-service-token': service.token } : {}),
          },
          body: '{"os-detach": {}}',
        })
        const text = await answer.body.text()
        const time = performance.now() - began
        const expected = base === lab.urls.cinder.legacy ? 202 : one.status
        if (answer.statusCode !== expected)
          throw new Error(`${one.name}, ${base}: ${answer.statusCode} ${text}`)
        return time
      }
      const times = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]))
      for (let round = -10; round < rounds; round += 1)
        for (const [name, base] of Object.entries(ways)) {
          const time = await again(() => {
            lab.reset(fixture)
            return detach(base)
          })
          if (round >= 0) times.get(name)?.push(time)
        }
      const fixed = median(times.get('fixed Cinder') ?? [])
      const measured = median(times.get('Cinderguard + legacy Cinder') ?? []) / fixed
      aims.push({ what: `${one.name}, beside fixed Cinder`, aim: 'at most', measured, ...one })
      for (const [name, each] of times)
        rows.push([
          one.name,
          name,
          median(each).toFixed(1),
          percentile(each, 0.95).toFixed(1),
          (median(each) / fixed).toFixed(2),
        ])
    }
    for (const proxy of Object.values(proxies)) await proxy.stop()
    return table(['call', 'way', 'median ms', '95 % ms', 'ratio of medians'], rows) + targets(aims)
  } finally {
    await lab.stop()
  }
}
