/**
 * Takes a command's own flags, `--name VALUE` or `--name=VALUE`, out of a command line; the rest is for the
 * configuration. A flag without its value has the value `''`; of one written again `values` has the last and `all`
 * every one.
 */
export function ownFlags<N extends string>(
  argv: readonly string[],
  names: readonly N[],
): {
  readonly values: Readonly<Partial<Record<N, string>>>
  readonly all: Readonly<Partial<Record<N, readonly string[]>>>
  readonly rest: readonly string[]
} {
  const values: Partial<Record<N, string>> = {}
  const all: Partial<Record<N, string[]>> = {}
  const rest: string[] = []
  const words = [...argv]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const name = names.find((each) => word === `--${each}` || word?.startsWith(`--${each}=`))
    if (name === undefined) {
      rest.push(word)
      continue
    }
    const value = word.includes('=') ? word.slice(word.indexOf('=') + 1) : (words.shift() ?? '')
    values[name] = value
    all[name] = [...(all[name] ?? []), value]
  }
  return { values, all, rest }
}

/** `--format`: `text` by default; undefined when it says something else than text or json. */
export function formatOf(value: string | undefined): 'text' | 'json' | undefined {
  if (value === undefined || value === 'text') return 'text'
  return value === 'json' ? 'json' : undefined
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * `--since`: a moment (`2026-11-25T10:00Z`), or how long ago (`90m`, `6h`, `2d`).
 * @param now milliseconds since the epoch
 * @returns ISO 8601, UTC; undefined when it is neither
 */
export function sinceOf(value: string, now: number): string | undefined {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(value) ?? []
  const time =
    count === undefined ? Date.parse(value) : now - Number(count) * UNITS[unit as keyof typeof UNITS]
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

/** Whether a command is asked what it does. */
export function asksHelp(argv: readonly string[]): boolean {
  return argv.includes('--help') || argv.includes('-h')
}
