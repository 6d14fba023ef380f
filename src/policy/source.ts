import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  type YAMLError,
} from 'yaml'
import type { Problem } from './references.ts'
import { compileRules, type Override, type Place, type RuleOptions, type RuleSet } from './ruleset.ts'

/** What policy files say. */
export interface Read {
  readonly overrides: ReadonlyMap<string, Override>
  /** Those that were there. */
  readonly files: readonly string[]
  readonly problems: readonly Problem[]
}

/**
 * Reads the files, then those in the directories (sorted by name, without those that begin with a dot); a later
 * rule replaces an earlier one of its name. Files and directories that do not exist count for nothing.
 */
export function readFiles(files: readonly string[], dirs: readonly string[]): Read {
  const overrides = new Map<string, Override>()
  const problems: Problem[] = []
  const found: string[] = []
  const listed = dirs.flatMap((dir) => attempt(() => filesIn(dir), dir, problems) ?? [])
  for (const path of [...files, ...listed]) {
    const text = attempt(() => readFileSync(path, 'utf8'), path, problems)
    if (text === undefined) continue
    found.push(path)
    problems.push(...readRules(path, text, overrides))
  }
  return { overrides, files: found, problems }
}

/** The rules of these files over Cinder's, or everything that is wrong with them. */
export function loadPolicy(
  files: readonly string[],
  dirs: readonly string[],
  options: RuleOptions = {},
): { readonly ruleSet: RuleSet } | { readonly problems: readonly Problem[] } {
  const { overrides, problems } = readFiles(files, dirs)
  const rules = compileRules(overrides, options)
  if ('problems' in rules) return { problems: [...problems, ...rules.problems] }
  return problems.length > 0 ? { problems } : { ruleSet: rules }
}

function filesIn(dir: string): readonly string[] {
  const names = readdirSync(dir).filter((name) => !name.startsWith('.'))
  return names
    .sort()
    .map((name) => join(dir, name))
    .filter((path) => !isFolder(path))
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch {
    // Reading it tells why it cannot be looked at.
    return false
  }
}

/** A missing file is no problem; one that cannot be read is. */
function attempt<T>(read: () => T, path: string, problems: Problem[]): T | undefined {
  try {
    return read()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code !== 'ENOENT')
      problems.push({ file: path, line: 1, column: 1, message: `cannot be read: ${code}` })
    return undefined
  }
}

/**
 * Reads the text of one policy file, YAML 1.1 as oslo.policy's parser or JSON, into `overrides`.
 * @returns what is wrong with it
 */
export function readRules(file: string, text: string, overrides: Map<string, Override>): readonly Problem[] {
  try {
    return rulesIn(file, text, overrides)
  } catch (error) {
    // Such as aliases that multiply, or lists within lists beyond what a stack holds.
    const why = error instanceof Error ? error.message : 'failed'
    return [{ file, line: 1, column: 1, message: `cannot be read: ${why}` }]
  }
}

function rulesIn(file: string, text: string, overrides: Map<string, Override>): readonly Problem[] {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    version: isJson(text) ? '1.2' : '1.1',
    lineCounter: lines,
    logLevel: 'error',
  })
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col }
  }
  if (document.errors.length > 0)
    return document.errors
      .slice(0, MAX_ERRORS)
      .map((error) => ({ ...placeOf(error.pos[0]), message: adviceOn(error) }))
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null)) return []
  if (!isMap(contents))
    return [{ ...placeOf(0), message: 'a policy file maps names of rules to check strings' }]

  const problems: Problem[] = []
  for (const { key, value } of contents.items) {
    const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0
    if (!isScalar(key) || typeof key.value !== 'string') {
      problems.push({
        ...placeOf(offset),
        message: 'the name of a rule must be a string; write it in quotes',
      })
      continue
    }
    const read = checkOf(value, document)
    if ('message' in read) {
      problems.push({ ...placeOf(offset), message: `rule "${key.value}" ${read.message}` })
      continue
    }
    const start = isNode(value) ? (value.range?.[0] ?? offset) : offset
    const { check } = read
    const quotes = text[start] === '"' || text[start] === "'" ? 1 : 0
    const verbatim = typeof check === 'string' && text.startsWith(check, start + quotes)
    const place = placeOf(verbatim ? start + quotes : start)
    overrides.set(key.value, { check, place, verbatim })
  }
  return problems
}

/** What is wrong in a broken file is clear long before. */
const MAX_ERRORS = 5

/** What a rule says; oslo.policy takes a value that is missing or false for "everybody may". */
function checkOf(
  node: unknown,
  document: Document,
): { readonly check: unknown } | { readonly message: string } {
  const value = isAlias(node) ? node.resolve(document) : node
  if (!isNode(value)) return { message: `has no value, ${TO_OSLO}` }
  if (value.tag !== undefined && value.tag !== 'tag:yaml.org,2002:str')
    return {
      message: `has the YAML tag ${value.tag}, not a string, ${TO_OSLO}; in YAML a ! needs quotes`,
    }
  const check: unknown = value.toJS(document)
  if (typeof check === 'string' || Array.isArray(check)) return { check }
  if (check === null) return { message: `has no value, ${TO_OSLO}` }
  const shown = isScalar(value) && value.source !== undefined ? value.source : 'a mapping'
  return { message: `is ${shown}, not a string; write it in quotes` }
}

const TO_OSLO =
  'which would let everybody pass. Write "" or "@" (in quotes) to mean that, "!" (in quotes) to refuse everybody'

/** What to write instead, for what operators get wrong most. */
function adviceOn(error: YAMLError): string {
  if (error.code === 'DUPLICATE_KEY')
    return 'this rule stands in the file twice; oslo.policy would follow the last one only. Keep one'
  if (error.code === 'BAD_SCALAR_START')
    return 'a rule that begins with @ or % must be written in quotes: "@"'
  if (error.code === 'UNEXPECTED_TOKEN')
    return 'text follows a closing quote; put the whole rule in double quotes: "\'x\':%(y)s"'
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY')
    return 'a colon followed by a space ends a name in YAML; leave the space out, or put the whole rule in quotes'
  if (error.code === 'MULTIPLE_DOCS')
    return 'a policy file holds one document; take the lines --- and ... out'
  return error.message.split('\n', 1)[0] ?? error.message
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
