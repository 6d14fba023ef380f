/** What happens to a request, in this order. */
export const STAGES = ['read', 'authenticate', 'classify', 'check', 'forward'] as const
export type StageName = (typeof STAGES)[number]

/** Seconds spent in each stage; 0 for one that was not entered. */
export type StageSeconds = Readonly<Record<StageName, number>>

/** Measures the stages of one request. A stage that ends in a fault counts as well. Times are milliseconds. */
export class StageClock implements StageSeconds {
  read = 0
  authenticate = 0
  classify = 0
  check = 0
  forward = 0
  #current: StageName | null = 'read'
  #since: number

  /** @param now when the first stage begins. */
  constructor(now: number) {
    this.#since = now
  }

  /** The stage under way ends, and another begins; null: none does. */
  enter(stage: StageName | null, now: number): void {
    if (this.#current !== null) this[this.#current] += (now - this.#since) / 1000
    this.#current = stage
    this.#since = now
  }
}
