import type { Option } from './option.ts'
import { Flaw, type Problem, type ProblemCode } from './problem.ts'
import { expand, find, namesOf, type Sources } from './sources.ts'
import { readValue } from './value.ts'

/**
 * The value of one option, or the first thing wrong with it. An option nobody set has its default.
 * @param section where to look: not the option's own section when auth_section moved it
 * @param notices gets what an operator should know though it is no error
 */
export function readOption(
  sources: Sources,
  section: string,
  name: string,
  option: Option,
  notices: Problem[],
): { value: unknown } | { problem: Problem } {
  const found = find(sources, section, namesOf(name, option), option.type === 'multi')
  const set = found.at(-1)
  const where = set?.where ?? `[${section}] ${name}`
  const problem = (flaw: Flaw, place = where) => ({
    problem: { code: flaw.code, where: place, message: `[${section}] ${name}: ${flaw.message}` },
  })
  if (set === undefined && option.required) {
    return { problem: { code: 'missing', where, message: 'must be set' } }
  }
  if (set === undefined && option.default === undefined) return { value: undefined }

  const read: unknown[] = []
  for (const { text, where: place } of set === undefined ? [{ text: option.default ?? '', where }] : found) {
    const full = expand(sources, section, text, option)
    if (full instanceof Flaw) return problem(full, place)
    if (full === '' && option.type !== 'list' && option.default !== '') {
      if (option.type === 'multi') continue
      // An empty value of a template is as good as none, unless that would silently mean some other value.
      if (option.default === undefined && !option.required && !option.notEmpty) return { value: undefined }
      const advice = option.required ? '' : `; leave the line out to get ${option.default ?? 'none'}`
      return problem(new Flaw('wrong_type', `is empty${advice}`), place)
    }
    const value = readValue(full, option)
    if (value instanceof Flaw) return problem(value, place)
    if (option.refuse !== undefined && String(value) === option.refuse.value) {
      return problem(new Flaw('not_allowed', option.refuse.because), place)
    }
    if (Array.isArray(value)) read.push(...value)
    else read.push(value)
  }
  const isList = option.type === 'list' || option.type === 'multi'
  if (set !== undefined) notices.push(...noticesOf(section, name, option, set.name, where, read))
  return { value: isList ? read : read[0] }
}

function noticesOf(
  section: string,
  name: string,
  option: Option,
  by: string,
  where: string,
  read: unknown[],
) {
  const found: Problem[] = []
  const say = (code: ProblemCode, message: string) => {
    found.push({ code, where, message: `[${section}] ${name}: ${message}` })
  }
  if (option.deprecated?.includes(by)) say('deprecated', `is set by its old name ${by}`)
  const { notice } = option
  if (notice !== undefined && read.length > 0 && (notice.value ?? String(read[0])) === String(read[0])) {
    say(notice.value === undefined ? 'unused' : 'unsafe', notice.message)
  }
  return found
}
