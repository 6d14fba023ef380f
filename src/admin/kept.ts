import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The last answer to a question, asked again in the background when it is older than `age` milliseconds: a service
 * that hangs must not keep a page waiting. Who asks first waits for `patience` milliseconds, and then has `meanwhile`.
 */
export function kept<T>(
  ask: () => Promise<T>,
  age: number,
  patience: number,
  meanwhile: T,
): () => Promise<T> {
  let last = meanwhile
  let asked = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined
  let isFirst = true
  return async () => {
    if (asking === undefined && performance.now() - asked >= age) {
      asked = performance.now()
      asking = ask()
        .then((answer) => {
          last = answer
          isFirst = false
        })
        .catch(() => undefined)
        .finally(() => {
          asking = undefined
        })
    }
    if (isFirst) await Promise.race([asking, sleep(patience, undefined, { ref: false })])
    return last
  }
}
