import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/**
 * A password or token that cannot be printed by accident: strings, JSON, templates, `console.log` and loggers
 * all show `[redacted]`. `reveal` is the one way to the value, so that a search finds every use.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself, to be written to the wire or hashed, and nowhere else. */
  reveal(): string {
    return this.#value
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
