/** Resolves with the name of the first of these signals, which are those that ask a process to end. */
export function untilSignal(names: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM']): Promise<string> {
  return new Promise((resolve) => {
    for (const name of names) process.once(name, () => resolve(name))
  })
}
