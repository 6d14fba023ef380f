import { nearest } from './nearest.ts'
import type { Option } from './option.ts'
import { OPTIONS } from './options.ts'
import type { Problem } from './problem.ts'
import { flagOf } from './sources.ts'

/** What the command line says about the configuration, and the words that are about something else. */
export interface Flags {
  readonly files: readonly string[]
  readonly dirs: readonly string[]
  readonly overrides: Readonly<Record<string, string>>
  readonly rest: readonly string[]
}

/**
 * Reads `--config-file F`, `--config-dir D`, `--name V` for [cinderguard] and `--section.name V` for the others, each
 * also as `--flag=V`. Flags of another kind are an error unless named in `others`; those stay in `rest`.
 * Secrets cannot be flags: every user of the machine can read command lines.
 */
export function readFlags(
  argv: readonly string[],
  others: readonly string[] = [],
): Flags | { problems: readonly Problem[] } {
  const files: string[] = []
  const dirs: string[] = []
  const rest: string[] = []
  const overrides: Record<string, string> = Object.create(null)
  const problems: Problem[] = []
  const words = [...argv]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [flag = '', inline] = word.split(/=(.*)/s)
    if (!word.startsWith('--') || others.includes(flag)) {
      rest.push(word)
      continue
    }
    const wrong = (code: Problem['code'], message: string) => {
      problems.push({ code, where: `command line ${flag}`, message })
    }
    const option = FLAGS.get(flag.replaceAll('_', '-'))
    if (!isConfigurationFlag(flag)) {
      const guess = nearest(flag.replaceAll('_', '-'), [...FLAGS.keys()])
      wrong('unknown_option', `there is no such flag${guess ? `; did you mean ${guess}?` : ''}`)
      continue
    }
    const value = inline ?? words.shift()
    if (value === undefined) wrong('missing', 'needs a value')
    else if (flag === '--config-file') files.push(value)
    else if (flag === '--config-dir') dirs.push(value)
    else if (option?.secret) {
      wrong(
        'not_allowed',
        'a secret may not be a flag, where every user can read it; use a file or the environment',
      )
    } else if (option !== undefined) overrides[option.name] = value
  }
  return problems.length > 0 ? { problems } : { files, dirs, overrides, rest }
}

/** The flags of all options but secrets, as they are shown, without those that name files of options. */
export const OPTION_FLAGS: readonly { readonly flag: string; readonly option: Option }[] = Object.entries(
  OPTIONS,
).flatMap(([section, options]) =>
  Object.entries<Option>(options)
    .filter(([, { type }]) => type !== 'secret')
    .map(([name, option]) => ({ flag: flagOf(section, name), option })),
)

/** Whether a flag is about the configuration; its value follows. */
export function isConfigurationFlag(flag: string): boolean {
  return flag === '--config-file' || flag === '--config-dir' || FLAGS.has(flag.replaceAll('_', '-'))
}

const FLAGS: ReadonlyMap<string, { readonly name: string; readonly secret: boolean }> = new Map(
  Object.entries(OPTIONS).flatMap(([section, options]) =>
    Object.entries<{ readonly type: string }>(options).map(([name, { type }]) => {
      const flag = section === 'cinderguard' ? `--${name}` : `--${section}.${name}`
      return [flag.replaceAll('_', '-'), { name: `${section}.${name}`, secret: type === 'secret' }] as const
    }),
  ),
)
