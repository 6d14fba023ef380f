/** A time limit for all waiting of one decision together, in seconds. What does not wait costs nothing. */
export function withDeadline(seconds: number): <T>(work: T | Promise<T>) => T | Promise<T> {
  const end = performance.now() + seconds * 1000
  return <T>(work: T | Promise<T>) => {
    if (!(work instanceof Promise)) return work
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const late = () => reject(new Error('the decision took too long'))
    const timer = setTimeout(late, Math.max(0, end - performance.now()))
    const ended = () => clearTimeout(timer)
    work.then(resolve, reject).finally(ended)
    return promise
  }
}
