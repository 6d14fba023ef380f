/**
 * Takes a command's own flags, `--name VALUE` or `--name=VALUE`, out of a command line; the rest is for the
 * configuration. A flag without its value has the value `''`; written again, the last one counts.
 */
export function ownFlags<N extends string>(
  argv: readonly string[],
  names: readonly N[],
): { readonly values: Readonly<Partial<Record<N, string>>>; readonly rest: readonly string[] } {
  const values: Partial<Record<N, string>> = {}
  const rest: string[] = []
  const words = [...argv]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const name = names.find((each) => word === `--${each}` || word?.startsWith(`--${each}=`))
    if (name === undefined) rest.push(word)
    else values[name] = word.includes('=') ? word.slice(word.indexOf('=') + 1) : (words.shift() ?? '')
  }
  return { values, rest }
}

/** `--format`: `text` by default; undefined when it says something else than text or json. */
export function formatOf(value: string | undefined): 'text' | 'json' | undefined {
  if (value === undefined || value === 'text') return 'text'
  return value === 'json' ? 'json' : undefined
}
