import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { isRejection } from '../../../src/http/rejection.ts'
import { classify } from '../../../src/operation/classify.ts'
import { JsonError, type PyValue, parseJson, pythonRepr } from '../../../src/operation/json.ts'
import { bodies } from './bodies.ts'

/** Debian's oslo.serialization, which Cinder reads bodies with, against the gateway's own reading. */
const BODIES = Number(process.env.JSON_BODIES ?? 5000)
const SEED = Number(process.env.JSON_SEED ?? 20_261_123)
const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'loads.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
interface Theirs {
  readonly answer: string
  /** The only key, if it is an object with one. */
  readonly action: string | null
}
const waiting: ((read: Theirs) => void)[] = []
createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line) as Theirs))
afterAll(() => child.stdin.end())

const theirs = (body: Buffer): Promise<Theirs> =>
  new Promise((resolve) => {
    waiting.push(resolve)
    child.stdin.write(`${body.toString('base64')}\n`)
  })

/** Python's `json.dumps(value, separators=(',', ':'))`. */
function dumps(value: PyValue): string {
  if (value === null || typeof value === 'boolean') return JSON.stringify(value)
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'NaN'
    return Number.isFinite(value) ? pythonRepr(value) : value > 0 ? 'Infinity' : '-Infinity'
  }
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map(dumps).join(',')}]`
  return `{${[...value].map(([key, item]) => `${quote(key)}:${dumps(item)}`).join(',')}}`
}
const quote = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

function ours(body: Buffer): string {
  try {
    return dumps(parseJson(body))
  } catch (error) {
    if (error instanceof JsonError) return error.message === 'nested too deeply' ? 'too deep' : 'ValueError'
    throw error
  }
}

const GUARDED: ReadonlyMap<string, string> = new Map([
  ['os-detach', 'volume-detach'],
  ['os-force_detach', 'volume-force-detach'],
  ['os-terminate_connection', 'volume-terminate-connection'],
  ['os-migrate_volume_completion', 'volume-migrate-completion'],
])

/** What the gateway makes of it as the body of a volume action: a kind of operation, or why it is refused. */
function classified(body: Buffer): { readonly kind: string } | { readonly refused: string } {
  const [mount, segments] = ['v3', ['p', 'volumes', 'v', 'action']] as const
  const request = { mount, segments, method: 'POST', contentType: 'application/json', apiVersion: undefined }
  const found = classify({ ...request, body }, { tokenProject: 'p', maximum: [3, 70] })
  return isRejection(found) ? { refused: found.reason } : { kind: found.kind }
}

/** And whatever is a guarded action to Python is one to the gateway, or refused. */
test(`reads ${BODIES} bodies as Python does, or refuses what is nested deeper than clients nest`, {
  timeout: 1_800_000,
}, async () => {
  const counts = { read: 0, refused: 0, 'too deep': 0, 'guarded, judged': 0, 'guarded, refused': 0 }
  const property = fc.asyncProperty(bodies, async (body) => {
    const answer = ours(body)
    const { answer: expected, action } = await theirs(body)
    const kind = GUARDED.get(action ?? '')
    if (kind !== undefined) {
      const found = classified(body)
      const isRefused = 'refused' in found
      counts[isRefused ? 'guarded, refused' : 'guarded, judged'] += 1
      // Refused only as Cinder's schema does, or for its depth.
      const refused = answer === 'too deep' ? 'malformed_body' : 'schema_violation'
      expect(found, body.toString('latin1')).toEqual(isRefused ? { refused } : { kind })
    }
    if (answer === 'too deep') {
      counts['too deep'] += 1
      return
    }
    counts[answer === 'ValueError' ? 'refused' : 'read'] += 1
    expect(answer, body.toString('latin1')).toBe(expected)
  })
  await fc.assert(property, { numRuns: BODIES, seed: SEED })
  console.log(JSON.stringify({ bodies: BODIES, seed: SEED, ...counts }))
  // The generator is of use only when it makes enough of each.
  expect(counts.read).toBeGreaterThan(BODIES / 8)
  expect(counts.refused).toBeGreaterThan(BODIES / 8)
  expect(counts['guarded, judged']).toBeGreaterThan(BODIES / 20)
  expect(counts['guarded, refused']).toBeGreaterThan(BODIES / 20)
})
