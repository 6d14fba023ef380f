import { statSync } from 'node:fs'
import { request } from 'node:https'
import { connect, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isLoopback } from '../../config/loopback.ts'
import type { Config } from '../../config/options.ts'
import type { UpstreamReach } from '../survey.ts'

/**
 * Who besides the gateway can reach the upstream, as far as that shows from here.
 * @param outside this machine's addresses that others reach
 */
export async function upstreamReach(
  { cinderguard }: Config,
  outside: readonly string[] = outsideAddresses(),
): Promise<UpstreamReach> {
  const { upstream, upstream_socket: path, upstream_certfile } = cinderguard
  if (path !== undefined) {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
    return { kind: 'socket', path, isOpen: (mode & 0o002) !== 0 }
  }
  const url = new URL(upstream)
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  if (isLoopback(url.hostname)) return { kind: 'loopback', openAt: await openAt(outside, port) }
  const asks = upstream_certfile !== undefined && url.protocol === 'https:'
  return { kind: 'network', answersAnybody: asks ? await answersWithoutCertificate(url) : null }
}

function outsideAddresses(): readonly string[] {
  return (
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      // A link-local address is none without its interface, and whoever uses it is next door.
      .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
      .map(({ address }) => address)
  )
}

/** Those of the addresses on which the port answers, with the port. */
async function openAt(addresses: readonly string[], port: number): Promise<readonly string[]> {
  const open = await Promise.all(addresses.map((address) => answersOn(address, port)))
  return addresses
    .filter((_address, at) => open[at])
    .map((address) => (isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`))
}

function answersOn(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 })
    const end = (answers: boolean) => () => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
}

/** TLS 1.3 ends its handshake before the server has looked for a certificate: only an answer tells. */
function answersWithoutCertificate(url: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(url, { rejectUnauthorized: false, agent: false, timeout: 3000 }, (response) => {
      response.resume()
      resolve(true)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
    asked.end()
  })
}
