import { openBackground } from './background.ts'
import { codeOf, type Sink, type SinkEvents } from './sink.ts'

/** A file or standard output, written in the background; what does not fit in the queue is dropped and counted. */
export function streamSink(dest: string | 1, queueBytes: number, events: SinkEvents): Sink {
  const { stream, close } = openBackground({ dest, mkdir: true, append: true, maxLength: queueBytes })
  /** Bytes of each line that waits, and how many of the first one's are written. */
  const waiting: number[] = []
  let done = 0
  let lost = false
  stream.on('drop', () => {
    lost = true
  })
  stream.on('write', (bytes: number) => {
    done += bytes
    for (let [first] = waiting; first !== undefined && done >= first; [first] = waiting) {
      done -= first
      waiting.shift()
      events.written()
    }
  })
  let isOver = false
  stream.on('error', (error: Error) => {
    // A write that was under way when the end came.
    if (!isOver) events.failed(codeOf(error))
  })
  return {
    write(line) {
      lost = false
      stream.write(`${line}\n`)
      if (lost) events.dropped(1)
      else waiting.push(Buffer.byteLength(line) + 1)
    },
    reopen() {
      if (dest !== 1) stream.reopen()
    },
    async close() {
      await close()
      isOver = true
      if (waiting.length > 0) events.dropped(waiting.splice(0).length)
    },
  }
}
