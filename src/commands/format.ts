/** Takes `--format text|json` (or `--format=json`) out of a command line; undefined when it says something else. */
export function formatOf(argv: readonly string[]): {
  readonly format: 'text' | 'json' | undefined
  readonly rest: readonly string[]
} {
  let format: string | undefined = 'text'
  const rest: string[] = []
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    if (word === '--format') {
      at += 1
      format = argv[at]
    } else if (word.startsWith('--format=')) format = word.slice('--format='.length)
    else rest.push(word)
  }
  return { format: format === 'text' || format === 'json' ? format : undefined, rest }
}
