import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CALLS } from '../../../src/policy/calls.ts'
import { CATALOGUE } from '../../../src/policy/catalogue.ts'
import { NOT_ENFORCED } from '../../../src/policy/operations.ts'
import { IDS } from '../cases.ts'
import { BODIES, QUERIES } from './bodies.ts'
import { type Setting, startSetting } from './setting.ts'

/**
 * Each rule set to "nobody" in turn: a fixed Cinder, asked by an admin for a call that the rule stands before, names that
 * rule in its 403, and so does the gateway, before a legacy Cinder that has no policy file and never sees the call.
 */
const ROWS = CATALOGUE.filter(({ name }) => !NOT_ENFORCED.has(name)).flatMap(({ name }) =>
  Object.entries(CALLS)
    .filter(([, rules]) => rules.some((asked) => (typeof asked === 'string' ? asked : asked.rule) === name))
    .map(([operation]) => [name, operation] as const),
)
// A migration moves its attachments before it is refused: last, as then there is none.
ROWS.sort(([a], [b]) => Number(a.endsWith(':attach')) - Number(b.endsWith(':attach')))
/** Calls for which Cinder's own refusal of `volume:get` says so. */
const OPENLY: ReadonlySet<string> = new Set(['POST /volumes', 'POST /volumes/{volume_id}/action revert'])
let setting: Setting
beforeAll(async () => {
  setting = await startSetting()
})
afterAll(() => setting.stop())

/** Rules that count only while the volume is like this. */
const STATES: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
  'volume:extend_attached_volume': { status: 'in-use' },
  'volume:reimage_reserved': { status: 'reserved' },
  'volume:multiattach_bootable_volume': { status: 'in-use', multiattach: 1, bootable: 1 },
}
function putInto(state: Readonly<Record<string, string | number>>): void {
  const { status, multiattach, bootable } = { status: 'available', multiattach: 0, bootable: 0, ...state }
  const db = new DatabaseSync(setting.lab.paths.databases.cinder, { timeout: 10_000 })
  db.prepare('UPDATE volumes SET status = ?, multiattach = ?, bootable = ? WHERE id = ?').run(
    status,
    multiattach,
    bootable,
    IDS.volume,
  )
  db.close()
}

/** Cinder refuses for another reason before it asks the rule: without Glance, or in a release that lacks the action. */
const CINDER_FIRST: ReadonlySet<string> = new Set([
  'volume:create_from_image',
  'POST /volumes/{volume_id}/action os-extend_volume_completion',
  'PUT /group_snapshots/{group_snapshot_id}',
])

describe.each(ROWS)('%s', (name, operation) => {
  test(operation, async () => {
    const { lab, gatewayUrl, witness, send, setRules } = setting
    const [method = '', path = '', action] = operation.split(' ')
    const filled = path.replace(
      /\{([^}]+)\}/g,
      (_slot, slot: string) => setting.ids[slot] ?? setting.admin.projectId,
    )
    const fallback = action === undefined ? undefined : { [action]: {} }
    const body = BODIES[`${name} ${operation}`] ?? BODIES[operation] ?? fallback
    const target = `${filled}${QUERIES[name] ?? ''}`
    putInto(STATES[name] ?? {})
    await setRules({ [name]: '!' })
    const wanted =
      name === 'volume:get' && !OPENLY.has(operation)
        ? /could not be found/
        : new RegExp(`Policy doesn't allow ${name} to be performed|You are not authorized`)
    witness.seen.length = 0
    const guarded = await send(gatewayUrl, method, target, body)
    expect(guarded[1]).toMatch(wanted)
    expect(witness.seen).toEqual([])
    const fixed = await send(lab.urls.cinder.fixed, method, target, body)
    if (CINDER_FIRST.has(name) || CINDER_FIRST.has(operation)) return
    expect(fixed[1]).toMatch(wanted)
    // Cinder wraps these refusals into a 400.
    if (!/create[-_]from[-_]src/.test(operation)) expect(guarded).toEqual(fixed)
  })
})
