import fc from 'fast-check'
import { keptAlive, plain, type RawRequest } from '../../fuzz/raw-request.ts'
import { cook, type Recipe, recipes } from '../../fuzz/recipe.ts'
import { sendBytes, statusesOf } from '../../fuzz/send.ts'
import { IDS, SITUATIONS } from '../cases.ts'
import type { Lab } from '../lab/lab.ts'

export interface FuzzOptions {
  readonly runs: number
  readonly seed: number
  /** The end, whatever is left of the runs. */
  readonly seconds?: number
  /** How many are sent at the same time; 1 unless given. */
  readonly atOnce?: number
  /** The gateway, and the legacy Cinder that it stands before. */
  readonly gateway: string
  readonly legacy: string
  /** A gateway to the same Cinder whose `public_prefix` is `/volume`. */
  readonly prefixed: string
  /** Also send each request to the bare legacy Cinder, to count how many spoilt ones still attack. */
  readonly bare: boolean
  readonly onProgress?: (done: number) => void
}

export interface FuzzReport {
  readonly runs: number
  readonly seed: number
  /** Blocked operations that were executed through the gateway; shrinking repeats the first. */
  readonly executed: number
  /** How many requests the bare legacy Cinder executed although its own check had refused them. */
  readonly bare: number
  /** Answers of the gateway, by status; 0 for a connection that ended without one. */
  readonly statuses: Readonly<Record<number, number>>
  /** The smallest request that was executed through the gateway, if any. */
  readonly bypass: { readonly recipe: Recipe; readonly bytes: string } | null
}

const FIXTURE = SITUATIONS['Nova uses this attachment'] ?? { volumes: [], attachments: [], instances: [] }

/** Each guarded request in the forms that clients send; every one of them is refused. */
function guardedRequests(project: string, token: string, admin: string): readonly (() => RawRequest)[] {
  const volume = `/volumes/${IDS.volume}/action`
  const attachment = `/attachments/${IDS.attachment}`
  const common = (who: string) =>
    [
      ['X-Auth-Token', who],
      ['Connection', 'close'],
    ] as const
  const action =
    (path: string, body: string, who = token) =>
    () =>
      plain('POST', path, [...common(who), ['Content-Type', 'application/json']], body)
  const remove = (path: string) => () =>
    plain('DELETE', path, [...common(token), ['OpenStack-API-Version', 'volume 3.27']])
  return [
    action(`/v3/${project}${volume}`, '{"os-detach": {}}'),
    action(`/v3${volume}`, `{"os-detach": {"attachment_id": "${IDS.attachment}"}}`),
    action(`/v3/${project}${volume}.json`, '{"os-terminate_connection": {"connector": {"host": "h"}}}'),
    action(`/v3/${project}${volume}`, `{"os-force_detach": {"attachment_id": "${IDS.attachment}"}}`, admin),
    action(
      `/v3/${project}${volume}`,
      `{"os-migrate_volume_completion": {"new_volume": "${IDS.newVolume}"}}`,
      admin,
    ),
    action(`/v2/${project}${volume}`, '{"os-detach": {}}'),
    remove(`/v3/${project}${attachment}`),
    remove(`/v3${attachment}`),
    remove(`/v3/${project}${attachment}.json`),
    () =>
      plain('GET', `/v3/${project}${attachment}?_method=DELETE`, [
        ...common(token),
        ['OpenStack-API-Version', 'volume 3.27'],
      ]),
  ]
}

/** The same below a prefix, and each of them on a connection that stays. */
export function bases(
  project: string,
  token: string,
  admin: string,
): readonly { readonly make: () => RawRequest; readonly isPrefixed: boolean }[] {
  const plainly = guardedRequests(project, token, admin)
  const below = plainly.slice(0, 5).map((make) => () => {
    const request = make()
    request.target = `/volume${request.target}`
    return request
  })
  return [...plainly, ...below].flatMap((make, index) => {
    const isPrefixed = index >= plainly.length
    return [
      { make, isPrefixed },
      { make: () => keptAlive(make()), isPrefixed },
    ]
  })
}

/** Spoils guarded requests in every way and looks whether the legacy Cinder ever executes what it should not. */
export async function fuzz(lab: Lab, options: FuzzOptions): Promise<FuzzReport> {
  const { runs, seed, seconds = Number.POSITIVE_INFINITY, atOnce = 1 } = options
  const { token, projectId } = await lab.token('member')
  const admin = await lab.token('admin', 'demo')
  const begun = bases(projectId, token, admin.token)
  const makers = begun.map(({ make }) => make)
  const statuses: Record<number, number> = {}
  let bare = 0
  let through = 0
  let done = 0
  const executed = (): boolean => {
    const blocked = lab.readVerdicts().some(({ allowed }) => !allowed)
    lab.clearVerdicts()
    return blocked
  }
  const changed = (answered: readonly number[]) => answered.some((status) => status < 300)
  const gatewayOf = ({ base }: Recipe) =>
    begun[base % begun.length]?.isPrefixed ? options.prefixed : options.gateway

  async function attackBare(recipe: Recipe): Promise<void> {
    const answered = statusesOf(await sendBytes(options.legacy, cook(recipe, makers)))
    const reached = executed()
    if (reached) bare += 1
    if (reached || changed(answered)) lab.reset(FIXTURE)
  }
  /** Sends them at once. @returns whether one of them was executed. */
  async function getsPast(recipes: readonly Recipe[]): Promise<boolean> {
    const answers = await Promise.all(recipes.map((each) => sendBytes(gatewayOf(each), cook(each, makers))))
    const answered = answers.map(statusesOf)
    const bypassed = executed()
    if (bypassed) through += 1
    if (bypassed || answered.some(changed)) lab.reset(FIXTURE)
    for (const status of answered.flatMap((each) => (each.length === 0 ? [0] : each)))
      statuses[status] = (statuses[status] ?? 0) + 1
    return bypassed
  }

  // A gateway that has not spoken to anybody yet may take longer than a client of these has patience.
  lab.reset(FIXTURE)
  for (const url of [options.gateway, options.prefixed, options.legacy])
    await sendBytes(url, cook({ base: 0, edits: [], bytes: [] }, makers), { patience: 10_000 })
  lab.reset(FIXTURE)
  lab.clearVerdicts()

  const started = performance.now()
  const all = fc.sample(recipes, { numRuns: runs, seed })
  const clean = (bytes: Buffer) =>
    bytes.toString('latin1').replaceAll(token, 'TOKEN').replaceAll(admin.token, 'ADMIN')
  const report = (bypass: Recipe | null): FuzzReport => ({
    ...{ runs: done, seed, executed: through, bare, statuses },
    bypass: bypass && { recipe: bypass, bytes: clean(cook(bypass, makers)) },
  })
  while (done < all.length && performance.now() - started < seconds * 1000) {
    const some = all.slice(done, done + atOnce)
    if (options.bare) for (const recipe of some) await attackBare(recipe)
    const before = done
    done += some.length
    if (Math.floor(done / 1000) > Math.floor(before / 1000)) options.onProgress?.(done)
    if (!(await getsPast(some))) continue
    return report(await smallest(some, async (recipe) => getsPast([recipe])))
  }
  return report(null)
}

/** The first of these that gets past by itself, with as few edits as do. */
async function smallest(
  some: readonly Recipe[],
  getsPast: (recipe: Recipe) => Promise<boolean>,
): Promise<Recipe> {
  const [first] = some
  if (first === undefined) throw new Error('nothing was sent')
  const property = fc.asyncProperty(recipes, async (recipe) => !(await getsPast(recipe)))
  const { counterexample } = await fc.check(property, {
    examples: some.map((recipe): [Recipe] => [recipe]),
    numRuns: some.length,
  })
  return counterexample?.[0] ?? first
}
