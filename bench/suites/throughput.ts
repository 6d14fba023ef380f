import { gateway, haproxy, nginxProxy, nginxUpstream, type Peer, peer } from '../parts/proxies.ts'
import { median, spread } from '../parts/stats.ts'
import { table, thousands } from '../parts/table.ts'
import { targets } from '../parts/targets.ts'
import { type Measured, saturate } from '../parts/wrk.ts'

const PROXY = '1'
const LOAD = '0'
const BARE = 'http-proxy-3, keep-alive, no checks'

/** Requests a second of an authenticated GET with a warm token, through one process on one core. */
export async function throughput({ rounds = 5, seconds = 5 } = {}): Promise<string> {
  const upstream = await nginxUpstream(LOAD)
  const cloud = await peer('cloud', [], LOAD)
  const { keystone = '', token = '', project = '' } = cloud.said
  const proxies: readonly (readonly [string, Peer])[] = [
    ['no proxy: the upstream itself (nginx)', upstream],
    ['nginx as plain proxy', await nginxProxy(upstream.url, PROXY)],
    ['HAProxy as plain proxy', await haproxy(upstream.url, PROXY)],
    ['undici Pool.stream, no checks', await peer('undici', [upstream.url], PROXY)],
    [BARE, await peer('http-proxy-3', [upstream.url], PROXY)],
    ['Express + http-proxy-3, no checks', await peer('http-proxy-3', [upstream.url, 'express'], PROXY)],
    ['Cinderguard', await gateway(upstream.url, keystone, PROXY)],
    [
      'Cinderguard, forwarder = undici',
      await gateway(upstream.url, keystone, PROXY, { forwarder: 'undici' }),
    ],
  ]
  const results = new Map<string, Measured[]>(proxies.map(([name]) => [name, []]))
  const load = (url: string, time: number): Promise<Measured> =>
    saturate({
      url: `${url}/v3/${project}/volumes`,
      headers: { 'X-Auth-Token': token },
      connections: 32,
      seconds: time,
      cores: LOAD,
    })
  // Until the engine has compiled what is hot.
  for (const [, { url }] of proxies) await load(url, 8)
  for (let round = 0; round < rounds; round += 1)
    for (const [name, { url }] of proxies) results.get(name)?.push(await load(url, seconds))
  for (const [, proxy] of proxies) await proxy.stop()
  await cloud.stop()
  const of = (name: string, what: keyof Measured): readonly number[] =>
    (results.get(name) ?? []).map((each) => each[what])
  const bare = { perSecond: median(of(BARE, 'perSecond')), p99: median(of(BARE, 'p99')) }
  const rate = (name: string): number => median(of(name, 'perSecond')) / bare.perSecond
  const tail = (name: string): number => median(of(name, 'p99')) / bare.p99
  const OURS = 'Cinderguard'
  const aims = targets([
    {
      what: 'throughput beside bare http-proxy-3',
      aim: 'at least',
      goal: 0.95,
      measured: rate(OURS),
      why: 'less than the spread of the rounds; runs of two days gave 0.90 to 1.06',
    },
    { what: 'p99 beside bare http-proxy-3', aim: 'at most', goal: 1.1, measured: tail(OURS) },
    {
      what: 'forwarder = undici, throughput beside bare http-proxy-3',
      aim: 'at least',
      goal: 1.5,
      measured: rate(`${OURS}, forwarder = undici`),
    },
  ])
  const figures = table(
    ['proxy', 'requests/s', 'spread', 'ratio', 'p50 ms', 'p99 ms', 'spread', 'p99 ratio'],
    proxies.map(([name]) => {
      const rate = of(name, 'perSecond')
      return [
        name,
        thousands(median(rate)),
        `±${Math.round(spread(rate) * 100)} %`,
        (median(rate) / bare.perSecond).toFixed(2),
        median(of(name, 'p50')).toFixed(2),
        median(of(name, 'p99')).toFixed(2),
        `±${Math.round(spread(of(name, 'p99')) * 100)} %`,
        (median(of(name, 'p99')) / bare.p99).toFixed(2),
      ]
    }),
  )
  return figures + aims
}
