import { pythonRepr, pythonText } from './python.ts'

/** The right side of a check: fixed text between attributes of the target. */
export interface Template {
  readonly pieces: readonly (string | Slot)[]
}

/** `%(attribute)s`, or `%(attribute)r` (then with Python's quotes around a string). */
export interface Slot {
  readonly attribute: string
  readonly repr: boolean
}

/** What cannot be read, and how many characters into the text. */
export interface SyntaxProblem {
  readonly message: string
  readonly offset: number
}

export type Values = Readonly<Record<string, unknown>>

/** The value of an attribute of a target that the object has, but the gateway cannot know. */
export const UNKNOWN = Symbol('unknown')

/** The answer depends on an attribute that is UNKNOWN. */
export class UnknownAttributeError extends Error {
  override name = 'UnknownAttributeError'
  constructor(attribute: string) {
    super(`the rule depends on the target's ${attribute}, which the gateway cannot know`)
  }
}

/**
 * Reads Python's `%` formatting as far as it makes sense in a policy: `%(name)s`, `%(name)r`, `%%`. What Python would
 * refuse when a request comes (a stray `%`), or would use to print the whole target (`%s`), is a problem here.
 */
export function parseTemplate(text: string): Template | SyntaxProblem {
  const pieces: (string | Slot)[] = []
  let fixed = ''
  let at = 0
  while (at < text.length) {
    const percent = text.indexOf('%', at)
    if (percent === -1) break
    fixed += text.slice(at, percent)
    if (text[percent + 1] === '%') {
      fixed += '%'
      at = percent + 2
      continue
    }
    const end = text[percent + 1] === '(' ? closingOf(text, percent + 1) : -1
    const conversion = end === -1 ? '' : text[end + 1]
    if (conversion !== 's' && conversion !== 'r') {
      return { message: 'after % comes (attribute)s; write %% for the character itself', offset: percent }
    }
    if (fixed !== '') pieces.push(fixed)
    fixed = ''
    pieces.push({ attribute: text.slice(percent + 2, end), repr: conversion === 'r' })
    at = end + 2
  }
  fixed += text.slice(at)
  if (fixed !== '' || pieces.length === 0) pieces.push(fixed)
  return { pieces }
}

/** The parenthesis that closes the one at `open`; Python lets them nest. */
function closingOf(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    else if (text[at] === ')') depth -= 1
    if (depth === 0) return at
  }
  return -1
}

/** The target's attributes that the template reads. */
export function attributesOf(template: Template): readonly string[] {
  return template.pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.attribute]))
}

/** Makes the text of a target; undefined when the target lacks an attribute. @throws UnknownAttributeError */
export function compileTemplate(template: Template): (target: Values) => string | undefined {
  const { pieces } = template
  const [first] = pieces
  if (pieces.length === 1 && typeof first === 'string') return () => first
  if (pieces.length === 1 && first !== undefined) return (target) => fill(first as Slot, target)
  return (target) => {
    let out = ''
    for (const piece of pieces) {
      const text = typeof piece === 'string' ? piece : fill(piece, target)
      if (text === undefined) return undefined
      out += text
    }
    return out
  }
}

function fill(slot: Slot, target: Values): string | undefined {
  const value = Object.hasOwn(target, slot.attribute) ? target[slot.attribute] : undefined
  if (value === undefined) return undefined
  if (value === UNKNOWN) throw new UnknownAttributeError(slot.attribute)
  return slot.repr ? pythonRepr(value) : pythonText(value)
}
