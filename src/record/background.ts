import { destination } from 'pino'
import { LAST_WAIT } from './sink.ts'

/** sonic-boom, as pino's `destination` makes it. */
export type Background = ReturnType<typeof destination>
type Options = Parameters<typeof destination>[0] & object

/**
 * A file or standard output, written in the background: whoever reads it and stops must not stop the gateway. What does
 * not fit into `maxLength` bytes is dropped, of which the event `drop` tells.
 *
 * @returns the stream, and what ends it: writes what is still held, for at most a second.
 */
export function openBackground(options: Options): { stream: Background; close: () => Promise<void> } {
  let isOver = false
  // Unlimited, tries of a reader that stopped would keep the process.
  const stream = destination({ ...options, sync: false, retryEAGAIN: () => !isOver })
  // Its `flush` waits for nothing where minLength is 0, and after its `destroy` a write that was under way goes on
  // with empty writes for ever, since the lines behind it are gone and their length is not.
  stream.on('write', () => {
    if (isOver) Object.assign(stream, { _len: 0 })
  })
  const close = () =>
    new Promise<void>((resolve) => {
      const over = (): void => {
        clearTimeout(giveUp)
        isOver = true
        stream.destroy()
        resolve()
      }
      const giveUp = setTimeout(over, LAST_WAIT)
      stream.once('close', over)
      stream.once('error', over)
      stream.end()
    })
  return { stream, close }
}
