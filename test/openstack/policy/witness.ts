import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A client's call carries it; what the gateway asks for itself does not. */
export const MARK = 'x-map-test'

/** Stands between the gateway and its upstream, and remembers which of the client's calls got so far. */
export interface Witness {
  readonly url: string
  readonly seen: string[]
  close(): void
}

export async function startWitness(upstream: string): Promise<Witness> {
  const { hostname, port } = new URL(upstream)
  const seen: string[] = []
  const server: Server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    if (headers[MARK] !== undefined) seen.push(`${method} ${path}`)
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: own } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${own}`, seen, close: () => void server.close() }
}
