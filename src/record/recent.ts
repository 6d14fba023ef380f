/** The latest values, oldest first; a ring that forgets the oldest when it is full. */
export class Recent<T> {
  readonly #kept: T[] = []
  readonly #listeners = new Set<(value: T) => void>()
  readonly #capacity: number

  /** @param capacity how many are kept, at least 1. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(value: T): void {
    if (this.#kept.length === this.#capacity) this.#kept.shift()
    this.#kept.push(value)
    for (const listener of this.#listeners) listener(value)
  }

  all(): readonly T[] {
    return this.#kept
  }

  /** Hears of each new value until the function given back is called. */
  subscribe(listener: (value: T) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
