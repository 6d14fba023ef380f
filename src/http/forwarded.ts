import { isIP } from 'node:net'
import type { Networks } from '../config/networks.ts'

/**
 * The address of the client. Proxies that are trusted say in `X-Forwarded-For` whom they had before them, each at
 * the right end of what it received; so it is read from there, and only as far as trusted proxies wrote it. What a
 * client has put in itself stands further left and is never believed. `Forwarded` and `X-Real-IP` are not read.
 *
 * @param peer the other end of the connection; empty on a unix socket
 * @param rawHeaders names and values in turn, as Node gives them: what `Connection` names counts, too
 */
export function clientAddressOf(peer: string, rawHeaders: readonly string[], proxies: Networks): string {
  let address = plain(peer)
  if (!proxies.has(address)) return address
  const hops = hopsOf(rawHeaders)
  for (let hop = hops.pop(); hop !== undefined; hop = hops.pop()) {
    const before = addressIn(hop)
    if (before === null) return address
    address = before
    if (!proxies.has(address)) return address
  }
  return address
}

function hopsOf(rawHeaders: readonly string[]): string[] {
  const hops: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === 'x-forwarded-for')
      hops.push(...(rawHeaders[index + 1] ?? '').split(','))
  return hops
}

/** Some proxies append the port. */
function addressIn(hop: string): string | null {
  const text = hop.trim()
  const [, inBrackets, before] = /^\[([^\]]+)\](?::\d{1,5})?$|^([\d.]+):\d{1,5}$/.exec(text) ?? []
  const address = inBrackets ?? before ?? text
  return isIP(address) === 0 ? null : plain(address)
}

/** A listener on `::` sees IPv4 clients under mapped addresses. */
function plain(address: string): string {
  if (!address.startsWith('::')) return address
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  return mapped ?? address
}
