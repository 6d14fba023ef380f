import rows from './catalogue.json' with { type: 'json' }

/**
 * What Cinder judges a rule against: the caller's own project_id and user_id (`context`; `fields` the same, but the
 * rule only hides fields of the answer), a project alone, or the fields of an object.
 */
export type TargetFamily =
  | 'context'
  | 'fields'
  | 'project'
  | 'volume'
  | 'volume_type'
  | 'attachment'
  | 'snapshot'
  | 'backup'
  | 'group'
  | 'group_snapshot'
  | 'message'

/** A rule that Cinder registers. */
export interface CatalogueRow {
  readonly name: string
  /** The default. */
  readonly check: string
  /** The default of older releases, and the name it had then. */
  readonly deprecated?: { readonly name: string; readonly check: string }
  /** `METHOD /path action`, without /v3 and project; none for rules that only other rules use. */
  readonly operations: readonly string[]
  readonly targets: readonly TargetFamily[]
}

/**
 * The rules of Cinder 21.3.1 (Antelope), in its order, and the one that newer releases add:
 * `extend_volume_completion`.
 */
export const CATALOGUE = rows as readonly CatalogueRow[]
