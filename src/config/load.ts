import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { conflicts, readAccounts, unknownOptions } from './consistency.ts'
import { type IniEntry, parseIni } from './ini.ts'
import type { Option } from './option.ts'
import { type Config, findOption, OPTIONS } from './options.ts'
import { describeProblem, type Problem } from './problem.ts'
import { readOption } from './read.ts'
import { find, type Sources } from './sources.ts'

/** Where a configuration comes from; each of these beats those before it. */
export interface ConfigInput {
  /** `--config-file`, in order: later files beat earlier ones. */
  readonly files?: readonly string[]
  /** `--config-dir`, in order: their `*.conf` by name, after all files. */
  readonly dirs?: readonly string[]
  /** `OS_<GROUP>__<OPTION>`; other variables are ignored. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Values of flags, by `section.name`. */
  readonly overrides?: Readonly<Record<string, string>>
}

/** A configuration and what to tell the operator about it, or all that is wrong with it. */
export type Loaded =
  | { readonly config: Config; readonly notices: readonly Problem[] }
  | { readonly problems: readonly Problem[] }

/** Reads and checks the whole configuration. Never throws for what an operator wrote. */
export function loadConfig(input: ConfigInput): Loaded {
  const problems: Problem[] = []
  const notices: Problem[] = []
  const { paths, entries } = readFiles(input, problems)
  const sources: Sources = { overrides: input.overrides ?? {}, env: input.env ?? {}, files: entries }
  problems.push(...unknownOptions(sources))

  const values: Record<string, Record<string, unknown>> = {}
  const broken = new Set<string>()
  for (const [section, options] of Object.entries<Record<string, Option>>(OPTIONS)) {
    const group: Record<string, unknown> = {}
    values[section] = group
    const home = find(sources, section, ['auth_section'], false)[0]?.text || section
    for (const [name, option] of Object.entries(options)) {
      const read = readOption(sources, option.redirected ? home : section, name, option, notices)
      if ('value' in read) group[name] = read.value
      else {
        problems.push(read.problem)
        broken.add(section)
      }
    }
  }

  const credentials = readAccounts(sources, values, broken, problems)
  problems.push(...conflicts(values))
  if (problems.length > 0) return { problems: unique(problems) }
  const config = { ...values, credentials, sources: { files: paths, dirs: input.dirs ?? [] } }
  // Each value was read by the row of the table that its type is made from.
  return { config: config as unknown as Config, notices: unique(notices) }
}

/** One option alone, for a command that needs no more: whatever is wrong with others does not stop it. */
export function loadOption(
  input: ConfigInput,
  section: string,
  name: string,
): { readonly value: unknown } | { readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const { entries } = readFiles(input, problems)
  const option = findOption(section, name)
  if (option === undefined) throw new Error(`there is no option ${name} in [${section}]`)
  const sources: Sources = { overrides: input.overrides ?? {}, env: input.env ?? {}, files: entries }
  const read = readOption(sources, section, name, option, [])
  if ('problem' in read) problems.push(read.problem)
  return 'value' in read && problems.length === 0 ? { value: read.value } : { problems }
}

/** Two sections that share an account through auth_section say the same about it. */
function unique(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [describeProblem(problem), problem])).values()]
}

/**
 * Where a file that an option names is: an absolute path as it stands, else in the first of the configuration
 * directories or beside the last of the configuration files that has it (as oslo.config's find_file), else undefined.
 */
export function findFile(path: string, sources: Config['sources']): string | undefined {
  if (isAbsolute(path)) return existsSync(path) ? path : undefined
  const places = [...sources.dirs, ...sources.files.toReversed().map((file) => dirname(file))]
  return places.map((place) => join(place, path)).find((file) => existsSync(file))
}

function readFiles(input: ConfigInput, problems: Problem[]) {
  const unreadable = (where: string, error: unknown) => {
    const cause = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    problems.push({ code: 'unreadable', where, message: `cannot be read (${cause})` })
  }
  const paths = [...(input.files ?? [])]
  for (const dir of input.dirs ?? []) {
    try {
      const names = readdirSync(dir).filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
      paths.push(...names.sort().map((name) => join(dir, name)))
    } catch (error) {
      unreadable(dir, error)
    }
  }
  // A password in another encoding would otherwise become a different password.
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const entries: (readonly IniEntry[])[] = []
  for (const path of paths) {
    try {
      const file = parseIni(decoder.decode(readFileSync(path)), path)
      problems.push(...file.problems)
      entries.push(file.entries)
    } catch (error) {
      unreadable(path, error)
    }
  }
  return { paths, entries }
}
