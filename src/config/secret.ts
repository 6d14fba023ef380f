import { hash } from 'node:crypto'
import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/**
 * A password or token that cannot be printed by accident: strings, JSON, templates, `console.log` and loggers
 * all show `[redacted]`. `reveal` is the one way to the value, so that a search finds every use.
 */
export class Secret {
  readonly #value: string
  #digest: { readonly key: string; readonly text: string } | null = null

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself, to be written to the wire or hashed, and nowhere else. */
  reveal(): string {
    return this.#value
  }

  /** SHA-256 of `key` and the value, base64; kept for the next time, as a connection sends one token again and again. */
  digest(key: string): string {
    if (this.#digest?.key !== key) this.#digest = { key, text: hash('sha256', key + this.#value, 'base64') }
    return this.#digest.text
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}
