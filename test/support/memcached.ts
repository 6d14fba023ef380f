import { createServer, type Server, type Socket } from 'node:net'

/** As much of memcached as keeps texts, with faults: for what must run where none is installed. */
export class FakeMemcached {
  readonly entries = new Map<string, string>()
  /** Reads and does not answer. */
  isHanging = false
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #port = 0

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
        if (!this.isHanging) text = this.#answer(text, socket)
      })
    })
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Listens, on the port it had before. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    const address = this.#server.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(text: string, socket: Socket): string {
    const end = text.indexOf('\r\n')
    if (end === -1) return text
    const [command, name = '', , , length = '0'] = text.slice(0, end).split(' ')
    const rest = text.slice(end + 2)
    if (command === 'set') {
      if (rest.length < Number(length) + 2) return text
      this.entries.set(name, rest.slice(0, Number(length)))
      socket.write('STORED\r\n')
      return this.#answer(rest.slice(Number(length) + 2), socket)
    }
    const value = this.entries.get(name)
    const found = value === undefined ? '' : `VALUE ${name} 0 ${value.length}\r\n${value}\r\n`
    socket.write(command === 'get' ? `${found}END\r\n` : 'ERROR\r\n')
    return this.#answer(rest, socket)
  }
}
