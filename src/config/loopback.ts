import { isIPv4 } from 'node:net'

/** Whether nobody but this machine reaches a host: an address, in brackets or not, or the name `localhost`. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'))
}
