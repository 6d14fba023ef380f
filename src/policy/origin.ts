import type { RuleSource } from './ruleset.ts'

/** Where a rule comes from, as tools show it: `default`; `bundle, locked`; `local, policy.yaml:3, within a lock`. */
export function originText(source: RuleSource | undefined): string {
  if (source === undefined) return 'nowhere'
  if (source.from === 'default') return 'default'
  const where = source.layer === 'local' ? [`${source.place.file}:${source.place.line}`] : []
  const as = source.as === undefined ? [] : [`as ${source.as}`]
  const lock = source.locked === undefined ? [] : [source.layer === 'local' ? 'within a lock' : 'locked']
  return [source.layer, ...where, ...as, ...lock].join(', ')
}
