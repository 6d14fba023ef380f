import { pythonText } from '../../../src/policy/python.ts'

/** Random, but the same for the same seed (mulberry32). */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 up to, not including, 1. */
  roll(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  below(limit: number): number {
    return Math.floor(this.roll() * limit)
  }

  chance(probability: number): boolean {
    return this.roll() < probability
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new Error('nothing to pick from')
    return value
  }
}

type Values = Record<string, unknown>

const TEXTS = [
  'p1',
  'p2',
  'u1',
  'Member',
  'member',
  'ADMIN',
  'admin',
  'all',
  '',
  'None',
  'True',
  '1',
  'é',
  "it's",
]
const ODD = [
  'a"b',
  'İ',
  'ΑΣ',
  '\u00a0',
  'x\ty',
  '\u200b',
  '💾',
  'back\\',
  '%',
  '%(a)s',
  'both\'"',
  '\u{e000}',
  '\u0301',
]
const KEYS = [
  'user_id',
  'project_id',
  'domain_id',
  'system_scope',
  'is_admin',
  'is_admin_project',
  'token',
  'group',
]
const TARGET_KEYS = ['project_id', 'user_id', 'host', 'size', 'a.b', 'a(b)', 'tags', 'bootable', '']
const LITERALS = [
  'True',
  'False',
  'None',
  '1',
  '-2',
  '0',
  '1.5',
  '1.50',
  "'p1'",
  '"Member"',
  "''",
  '00',
  '+3',
  '0.00001',
]
const STRANGE = [
  'true',
  'class',
  '[1]',
  "b'x'",
  '1_0',
  'a-b',
  'x[0]',
  "'a",
  '0x1f',
  '...',
  'é',
  '𝒳',
  "u'p1'",
  '#',
  '01',
  '1e3',
  'set()',
]

export function leaf(dice: Dice): unknown {
  const kind = dice.below(10)
  if (kind < 5) return dice.pick(TEXTS)
  if (kind === 5) return dice.pick(ODD)
  if (kind === 6) return null
  if (kind === 7) return dice.chance(0.5)
  return dice.pick([0, 1, -2, 3, 10, 1.5, 0.1, 1e-5, 123456789.125, 1e-7, -0.25])
}

function value(dice: Dice, depth: number): unknown {
  const kind = dice.below(10)
  if (depth === 0 || kind < 7) return leaf(dice)
  if (kind < 9) return Array.from({ length: dice.below(4) }, () => value(dice, depth - 1))
  return Object.fromEntries(['name', 'id'].map((key) => [key, value(dice, depth - 1)]))
}

export function credentialsOf(dice: Dice): Values {
  const credentials: Values = {}
  for (const key of KEYS) if (dice.chance(0.8)) credentials[key] = value(dice, 2)
  if (dice.chance(0.95))
    credentials.roles = Array.from({ length: dice.below(4) }, () => dice.pick([...TEXTS, ...ODD]))
  if (dice.chance(0.02)) credentials.roles = dice.pick([null, 5, ['admin', 1], [null]])
  return credentials
}

/** Shares values with the credentials, so that comparisons come true often enough. */
export function targetOf(dice: Dice, credentials: Values): Values {
  const target: Values = {}
  const known = Object.values(credentials)
  for (const key of TARGET_KEYS)
    if (dice.chance(0.8))
      target[key] = dice.chance(0.6) && known.length > 0 ? dice.pick(known) : value(dice, 2)
  return target
}

function matchOf(dice: Dice): string {
  const kind = dice.below(12)
  if (kind < 5) return `%(${dice.pick(TARGET_KEYS)})s`
  if (kind < 9) return pythonText(leaf(dice)).replaceAll('%', dice.chance(0.8) ? '%%' : '%')
  if (kind === 9) return `${dice.pick(TEXTS)}%(${dice.pick(TARGET_KEYS)})s:%(${dice.pick(TARGET_KEYS)})r`
  if (kind === 10) return dice.pick(['%(none)s', '100%%', 'a:b', 'x)', '(x', ''])
  return dice.chance(0.8)
    ? `%(${dice.pick(TARGET_KEYS)})r`
    : dice.pick(['%', '%s', '%(a', '%(a)', '%(size)d', '5%'])
}

/** @param references names of rules that may be referred to without making a circle */
function checkOf(dice: Dice, references: readonly string[]): string {
  const kind = dice.below(40)
  if (kind < 12) return `${dice.pick(KEYS)}:${matchOf(dice)}`
  if (kind < 19) return `role:${matchOf(dice)}`
  if (kind < 25 && references.length > 0) return `rule:${dice.pick(references)}`
  if (kind < 29) return `${dice.pick(LITERALS)}:${matchOf(dice)}`
  if (kind < 33)
    return `${dice.pick(['token', 'group', 'project_id'])}.${dice.pick(['name', 'id', 'id.name'])}:${matchOf(dice)}`
  if (kind === 33) return `roles:${matchOf(dice)}`
  if (kind < 36) return dice.pick(['@', '!'])
  if (kind === 36) return `${dice.pick(['http', 'https'])}://judge/${matchOf(dice)}`
  if (kind === 37) return `${dice.pick(STRANGE)}:${matchOf(dice)}`
  if (kind === 38) return dice.pick(['admin', '"a:b"', "'x':'y'", "'", ':x', '""'])
  return `nobody:${matchOf(dice)}`
}

const SPACES = [' ', ' ', ' ', ' ', '  ', '\t', '\n', '\u00a0', '\u0085', '\x1c', '\u3000', '\ufeff']
const WORDS = { and: ['and', 'AND', 'And'], or: ['or', 'OR', 'oR'], not: ['not', 'NOT', 'nOt'] } as const

function expressionOf(dice: Dice, references: readonly string[], depth: number): string {
  const space = () => (dice.chance(0.95) ? ' ' : dice.pick(SPACES))
  const kind = dice.below(10)
  if (depth === 0 || kind < 3) return checkOf(dice, references)
  if (kind === 3) return `${dice.pick(WORDS.not)}${space()}${expressionOf(dice, references, depth - 1)}`
  if (kind < 6) {
    const gap = dice.chance(0.3) ? ' ' : ''
    return `(${gap}${expressionOf(dice, references, depth - 1)}${gap})`
  }
  const parts = Array.from({ length: 2 + dice.below(3) }, () => expressionOf(dice, references, depth - 1))
  return parts.reduce(
    (left, right) =>
      `${left}${space()}${dice.pick(WORDS[dice.pick(['and', 'or'] as const)])}${space()}${right}`,
  )
}

/** Deletes, doubles, moves or inserts a character or word. */
function damage(dice: Dice, text: string): string {
  const words = text.split(' ')
  const at = dice.below(words.length)
  const kind = dice.below(6)
  if (kind === 0) words.splice(at, 1)
  if (kind === 1) words.splice(at, 0, dice.pick(['and', 'or', 'not', '(', ')', '()', '@', 'a:1', '', '"x"']))
  if (kind === 2) words.splice(at, 0, words[at] ?? '')
  if (kind > 2) {
    const cut = dice.below(text.length + 1)
    return (
      text.slice(0, cut) +
      dice.pick(['', '(', ')', ' ', ':', '%', '"', "'"]) +
      text.slice(cut + dice.below(2))
    )
  }
  return words.join(' ')
}

/** A check string, or, sometimes, the old form of lists. */
export function ruleOf(dice: Dice, references: readonly string[]): unknown {
  if (dice.chance(0.1)) {
    const inner = () => Array.from({ length: dice.below(4) }, () => checkOf(dice, references))
    return Array.from({ length: dice.below(4) }, () =>
      dice.chance(0.3) ? checkOf(dice, references) : inner(),
    )
  }
  if (dice.chance(0.01)) return dice.pick(['', ' ', '\t'])
  const text = expressionOf(dice, references, dice.below(4))
  return dice.chance(0.12) ? damage(dice, text) : text
}
