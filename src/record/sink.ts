/** Takes decision records, one line each. Never waits, never throws. */
export interface Sink {
  /** @param shorter the same record without what makes it long, for a sink that has a limit. */
  write(line: string, shorter: () => string): void
  /** Opens the file anew: it was moved away by log rotation. */
  reopen(): void
  /** Writes what is still held, for at most a second. What is held then is lost, and counted. */
  close(): Promise<void>
}

export interface SinkEvents {
  /** A record has left: written, or given to the network. */
  written(): void
  /** Records were lost: the queue is full, they could not be sent, or the end came before they were. */
  dropped(count: number): void
  /** The sink fails; the message names no secret. */
  failed(problem: string): void
}

/** Milliseconds that the end waits for what is still held. */
export const LAST_WAIT = 1000

export function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.name
}
