import { Flaw, type Problem } from './problem.ts'

/** One assignment of a file; a repeated key gives several entries, in order. */
export interface IniEntry {
  readonly section: string
  readonly key: string
  readonly value: string
  /** `file:line` of the key, also when the value goes on over further lines. */
  readonly where: string
}

export interface IniFile {
  readonly entries: readonly IniEntry[]
  readonly problems: readonly Problem[]
}

/** Section names are compared in lower case, except `DEFAULT`, which is written in capitals (as in oslo.config). */
export function normalSection(name: string): string {
  return name === 'DEFAULT' ? name : name.toLowerCase()
}

/**
 * Reads oslo.config's file dialect. An indented line goes on with the value above it; a blank line or a comment
 * ends that value. Quotes are taken off only when the first line of a value begins and ends with the same one.
 * There are no comments after a value. Reading goes on after a bad line, so that all of them are reported.
 */
export function parseIni(text: string, file: string): IniFile {
  const entries: IniEntry[] = []
  const problems: Problem[] = []
  let section: string | undefined
  let open: { key: string; lines: string[]; where: string } | undefined
  let skipping = false

  const close = () => {
    if (open !== undefined && section !== undefined) {
      entries.push({ section, key: open.key, value: open.lines.join('\n'), where: open.where })
    }
    open = undefined
  }

  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const where = `${file}:${index + 1}`
    const wrong = (message: string) => {
      skipping = true
      problems.push({ code: 'syntax', where, message })
    }
    const line = raw.trimEnd()
    if (line === '') {
      close()
      skipping = false
      continue
    }
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (open !== undefined) open.lines.push(line.trimStart())
      else if (!skipping) wrong('an indented line goes on with the value above it, and there is none')
      continue
    }
    close()
    skipping = false
    if (line.startsWith('#') || line.startsWith(';')) continue
    if (line.startsWith('[')) {
      if (!line.endsWith(']')) wrong('a section line must end with ]')
      else if (line.length <= 2) wrong('a section needs a name between [ and ]')
      else section = normalSection(line.slice(1, -1))
      continue
    }
    const cut = line.search(/[=:]/)
    const key = cut < 0 ? '' : line.slice(0, cut).trim()
    if (cut < 0) wrong('neither [section], key = value, nor a comment')
    else if (key === '') wrong('there is no name before the = or :')
    else if (section === undefined) wrong(`${key} stands before the first [section]`)
    else open = { key, lines: [unquote(line.slice(cut + 1).trim())], where }
  }
  close()
  return { entries, problems }
}

function unquote(value: string): string {
  const first = value[0]
  return (first === '"' || first === "'") && value.endsWith(first) ? value.slice(1, -1) : value
}

const REFERENCE = /\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi

/**
 * Puts the values of other options in place of `$name`, `${name}`, `$group.name` and `${group.name}`. `$$` and `\$`
 * stand for one dollar; a dollar before anything else stays. A dot belongs to the name, as in oslo.config.
 * @param lookup the value of a name, or what is wrong with it; the first flaw is the answer
 */
export function substitute(text: string, lookup: (name: string) => string | Flaw): string | Flaw {
  let flaw: Flaw | undefined
  const out = text
    .replaceAll('\\$', () => '$$')
    .replace(REFERENCE, (_match, dollar, bare, braced) => {
      if (dollar !== undefined) return '$'
      const value = flaw ?? lookup(bare ?? braced)
      if (!(value instanceof Flaw)) return value
      flaw = value
      return ''
    })
  return flaw ?? out
}
