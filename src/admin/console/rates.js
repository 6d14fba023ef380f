// Rates from the differences of counters.

/** States kept: two minutes of one every two seconds. */
export const ROOM = 60
/** States over which a rate is taken. */
const SPAN = 5

export class Rates {
  #states = []

  /** Takes the next state in. Counters of another start are not compared with these. */
  add(now) {
    if (this.#states.at(-1)?.since !== now.since) this.#states = []
    if (this.#states.at(-1)?.at === now.at) return
    this.#states.push(now)
    if (this.#states.length > ROOM + 1) this.#states.shift()
  }

  /** Per second, of late. @param of reads a counter from a state */
  perSecond(of) {
    const last = this.#states.at(-1)
    const first = this.#states.at(-1 - SPAN) ?? this.#states[0]
    return last === undefined || last === first ? 0 : perSecond(first, last, of)
  }

  /** Per second, from each state to the next. */
  history(of) {
    return this.#states.slice(1).map((state, index) => perSecond(this.#states[index], state, of))
  }

  /** What was read, from state to state. */
  values(of) {
    return this.#states.slice(1).map(of)
  }

  /** Of `sum` per `number`, of late; since the start when nothing happened lately. */
  mean(sum, number) {
    const last = this.#states.at(-1)
    const first = this.#states.at(-1 - SPAN) ?? this.#states[0]
    if (last === undefined) return null
    const many = number(last) - number(first)
    if (many > 0) return (sum(last) - sum(first)) / many
    return number(last) > 0 ? sum(last) / number(last) : null
  }

  /** `mean` from each state to the next; what it was before where nothing happened. */
  means(sum, number) {
    let mean = 0
    return this.#states.slice(1).map((state, index) => {
      const before = this.#states[index]
      const many = number(state) - number(before)
      if (many > 0) mean = (sum(state) - sum(before)) / many
      return mean
    })
  }
}

function perSecond(first, last, of) {
  const seconds = (Date.parse(last.at) - Date.parse(first.at)) / 1000
  return seconds <= 0 ? 0 : Math.max(of(last) - of(first), 0) / seconds
}
