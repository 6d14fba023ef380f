import { BlockList, isIP } from 'node:net'

/** A set of client addresses; the address of a client on a unix socket is empty. */
export interface Networks {
  has(address: string): boolean
}

const NOBODY: Networks = { has: () => false }

/**
 * Reads addresses and networks, such as `192.0.2.7`, `10.0.0.0/8` and `fd00::/8`; `unix` stands for clients on a
 * unix socket.
 * @returns the set, or what is wrong, item by item
 */
export function readNetworks(items: readonly string[]): Networks | { readonly problems: readonly string[] } {
  const list = new BlockList()
  const problems: string[] = []
  for (const item of items) {
    if (item === 'unix') continue
    const [, address = '', length] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(item) ?? []
    const version = isIP(address)
    const bits = version === 4 ? 32 : 128
    if (version === 0 || Number(length ?? bits) > bits)
      problems.push(`"${item}" is neither an address nor a network such as 10.0.0.0/8 nor unix`)
    else list.addSubnet(address, Number(length ?? bits), version === 4 ? 'ipv4' : 'ipv6')
  }
  if (problems.length > 0) return { problems }
  if (items.length === 0) return NOBODY
  const hasUnix = items.includes('unix')
  return {
    has(address) {
      const version = isIP(address)
      if (version === 0) return address === '' && hasUnix
      return list.check(address, version === 4 ? 'ipv4' : 'ipv6')
    },
  }
}

/** The same of items that the configuration has checked. */
export function networksOf(items: readonly string[]): Networks {
  const networks = readNetworks(items)
  if ('problems' in networks) throw new Error(networks.problems.join('; '))
  return networks
}
