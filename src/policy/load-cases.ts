import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'

/** One expectation of a policy: who asks what of which target, and whether they may. */
export interface PolicyCase {
  readonly name: string
  readonly credentials: Readonly<Record<string, unknown>>
  readonly target: Readonly<Record<string, unknown>>
  /** A rule's name, or a call such as `POST /volumes/{id}/action os-extend`, whose rules all count. */
  readonly rule: string | null
  readonly request: string | null
  /** The request itself, for checks such as cinderguard.address. */
  readonly asked: Readonly<Record<string, unknown>>
  readonly expect: 'allow' | 'refuse'
}

const FIELDS = ['name', 'credentials', 'target', 'rule', 'request', 'asked', 'expect']

/** Reads a file of cases. @throws with file and line where it cannot be understood. */
export function readCases(path: string): readonly PolicyCase[] {
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines })
  const [error] = document.errors
  if (error !== undefined) throw new Error(`${path}:${lines.linePos(error.pos[0]).line}: ${error.message}`)
  let value: unknown
  try {
    value = document.toJS()
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : 'cannot be read'}`)
  }
  const cases = isObject(value) ? value.cases : undefined
  if (!Array.isArray(cases) || cases.length === 0)
    throw new Error(`${path}: a file of cases has a list "cases"`)
  return cases.map((each: unknown, at) => {
    const where = `${path}: case ${at + 1}`
    if (!isObject(each)) throw new Error(`${where} is no mapping`)
    const unknown = Object.keys(each).find((name) => !FIELDS.includes(name))
    if (unknown !== undefined) throw new Error(`${where}: "${unknown}" is none of ${FIELDS.join(', ')}`)
    const { rule = null, request = null, expect, credentials = {}, target = {}, asked = {} } = each
    if ((typeof rule === 'string') === (typeof request === 'string'))
      throw new Error(`${where} has either a rule or a request`)
    if (expect !== 'allow' && expect !== 'refuse') throw new Error(`${where}: expect is allow or refuse`)
    if (!isObject(credentials) || !isObject(target) || !isObject(asked))
      throw new Error(`${where}: credentials, target and asked are mappings`)
    const name = typeof each.name === 'string' ? each.name : String(rule ?? request)
    return {
      name,
      credentials,
      target,
      rule: rule as string | null,
      request: request as string | null,
      asked,
      expect,
    }
  })
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
