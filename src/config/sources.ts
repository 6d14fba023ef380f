import type { IniEntry } from './ini.ts'
import { normalSection, substitute } from './ini.ts'
import type { Option } from './option.ts'
import { findOption } from './options.ts'
import { Flaw } from './problem.ts'

/** Everything options may be set by, each kind before the next: flags, the environment, files (the last first). */
export interface Sources {
  /** By `section.name`. */
  readonly overrides: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** The entries of each file, in the order in which the files were given. */
  readonly files: readonly (readonly IniEntry[])[]
}

/** A value somebody wrote, by which name, and where. */
export interface Found {
  readonly text: string
  readonly name: string
  readonly where: string
}

/** The environment variable for an option: `OS_<GROUP>__<OPTION>`. */
export function variableOf(section: string, name: string): string {
  return `OS_${section}__${name}`.replaceAll('-', '_').toUpperCase()
}

/** How the flag for an option is written: options of [cinderguard] by name, others with their section. */
export function flagOf(section: string, name: string): string {
  return section === 'cinderguard' ? `--${name.replaceAll('_', '-')}` : `--${section}.${name}`
}

/**
 * The values of an option by any of its names. One that may be repeated gives all those of all files, oldest
 * first; any other gives the one that counts.
 * @param names `name` in `section`, or `section.name`
 */
export function find(
  sources: Sources,
  section: string,
  names: readonly string[],
  all: boolean,
): readonly Found[] {
  const places = names.map((name) => {
    const dot = name.indexOf('.')
    return dot < 0
      ? { section, key: name, name }
      : { section: name.slice(0, dot), key: name.slice(dot + 1), name }
  })
  for (const { section, key, name } of places) {
    const full = `${section}.${key}`
    const text = Object.hasOwn(sources.overrides, full) ? sources.overrides[full] : undefined
    if (text !== undefined) return [{ text, name, where: `command line ${flagOf(section, key)}` }]
  }
  for (const { section, key, name } of places) {
    const variable = variableOf(section, key)
    const text = sources.env[variable]
    if (text !== undefined) return [{ text, name, where: `environment ${variable}` }]
  }
  const collected: Found[] = []
  for (const entries of sources.files.toReversed()) {
    for (const { section, key, name } of places) {
      const here = entries
        .filter((entry) => entry.key === key && entry.section === normalSection(section))
        .map((entry) => ({ text: entry.value, name, where: entry.where }))
      if (all) collected.unshift(...here)
      else if (here.length > 0) return here.slice(-1)
    }
  }
  return collected
}

/**
 * Puts in the values an option's text refers to. A name is looked for in the section of the option, then in
 * [DEFAULT]. Options that Cinderguard does not know can be referred to when they are set somewhere.
 */
export function expand(sources: Sources, section: string, text: string, option: Option): string | Flaw {
  const secret = option.type === 'secret'
  return expandWithin(sources, section, text, secret, [])
}

function expandWithin(
  sources: Sources,
  section: string,
  text: string,
  secret: boolean,
  trail: readonly string[],
): string | Flaw {
  return substitute(text, (reference) => {
    // The name may be a piece of a password with a dollar in it, so it is not shown for a secret.
    const said = secret ? 'a name after a dollar sign' : `$${reference}`
    for (const [group, name] of candidates(section, reference)) {
      const id = `${group}.${name}`
      const option = findOption(group, name)
      const found = find(sources, group, namesOf(name, option), false)[0]?.text
      if (option === undefined && found === undefined) continue
      // Options we do not know, and those of a section auth_section points to, have no type: go by the name.
      if (!secret && (option?.type === 'secret' || /password|secret/.test(name))) {
        return new Flaw('secret_reference', `refers to the secret ${said}; only a secret may do so`)
      }
      if (trail.includes(id)) return new Flaw('circular_reference', `refers to itself through ${said}`)
      const value = found ?? option?.default ?? ''
      return expandWithin(sources, group, value, secret, [...trail, id])
    }
    return new Flaw(
      'unknown_reference',
      `refers to ${said}, which is not set; write $$ where a dollar sign is meant`,
    )
  })
}

/** All names an option can be set by, the present one first. */
export function namesOf(name: string, option: Option | undefined): readonly string[] {
  return [name, ...(option?.also ?? []), ...(option?.deprecated ?? [])]
}

function candidates(section: string, reference: string): readonly (readonly [string, string])[] {
  const dot = reference.indexOf('.')
  return dot < 0
    ? [
        [section, reference],
        ['DEFAULT', reference],
      ]
    : [[normalSection(reference.slice(0, dot)), reference.slice(dot + 1)]]
}
