/** `error`: something is refused or unguarded now. `warning`: it will be, or may be. `info`: good to know. */
export type Level = 'ok' | 'info' | 'warning' | 'error'

export interface Finding {
  /** Stable name, for programs. */
  readonly id: string
  readonly level: Level
  readonly what: string
  /** Why it matters; empty when all is well. */
  readonly why: string
  /** The configuration lines or commands that mend it. */
  readonly fix: readonly string[]
}

export function ok(id: string, what: string): Finding {
  return { id, level: 'ok', what, why: '', fix: [] }
}
