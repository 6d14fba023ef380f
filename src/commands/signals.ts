/** Resolves with the name of the first signal that asks the process to end. */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(name))
  })
}
