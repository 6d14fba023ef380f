/** A time limit for all waiting of one decision together, in seconds. */
export function withDeadline(seconds: number): <T>(work: Promise<T>) => Promise<T> {
  const end = performance.now() + seconds * 1000
  return async (work) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(
        () => fail(new Error('the decision took too long')),
        Math.max(0, end - performance.now()),
      )
    })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }
}
