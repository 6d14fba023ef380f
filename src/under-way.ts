import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * Answers under way, by connection. Kept in one set for all, which is changed with each request, they would hold
 * each other in memory: an outgrown table of a Set goes on pointing to its successor.
 */
export class UnderWay {
  readonly #connections = new Set<Tracked>()

  on(socket: Tracked): ServerResponse[] {
    const known = socket[RESPONSES]
    if (known !== undefined) return known
    this.#connections.add(socket)
    socket.once('close', () => this.#connections.delete(socket))
    const responses: ServerResponse[] = []
    socket[RESPONSES] = responses
    return responses
  }

  /**
   * Cuts connections of which nothing was read at so many looks in a row, though something waits to be. Looked at now
   * and then: a timer of each connection, set anew with each byte, would cost every request.
   */
  cutUnread(): void {
    for (const socket of this.#connections) {
      const { bytesWritten = 0, [UNREAD]: last } = socket
      if (socket.writableLength === 0) delete socket[UNREAD]
      else if (last?.bytes !== bytesWritten) socket[UNREAD] = { bytes: bytesWritten, looks: 0 }
      else if (++last.looks >= LOOKS) socket.destroy()
    }
  }

  all(): readonly ServerResponse[] {
    return [...this.#connections].flatMap((socket) => socket[RESPONSES] ?? [])
  }
}

const RESPONSES = Symbol('responses under way')
const UNREAD = Symbol('what of its answers was read at the last look, and for how many it stayed so')
export type Tracked = Duplex & {
  readonly bytesWritten?: number
  [RESPONSES]?: ServerResponse[]
  [UNREAD]?: { readonly bytes: number; looks: number }
}
/** In the time after which a client is cut off. */
export const LOOKS = 4
