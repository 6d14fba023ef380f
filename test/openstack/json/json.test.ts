import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { JsonError, type PyValue, parseJson, pythonRepr } from '../../../src/operation/json.ts'
import { bodies } from './bodies.ts'

/** Debian's oslo.serialization, which Cinder reads bodies with, against the gateway's own reading. */
const BODIES = Number(process.env.JSON_BODIES ?? 5000)
const SEED = Number(process.env.JSON_SEED ?? 20_261_123)
const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'loads.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const waiting: ((answer: string) => void)[] = []
createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line) as string))
afterAll(() => child.stdin.end())

const theirs = (body: Buffer): Promise<string> =>
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

test(`reads ${BODIES} bodies as Python does, or refuses what is nested deeper than clients nest`, {
  timeout: 1_800_000,
}, async () => {
  const counts = { read: 0, refused: 0, 'too deep': 0 }
  const property = fc.asyncProperty(bodies, async (body) => {
    const answer = ours(body)
    const expected = await theirs(body)
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
})
