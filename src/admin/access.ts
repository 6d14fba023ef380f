import type { RequestHandler } from 'express'
import { isLoopback } from '../config/loopback.ts'
import type { Address } from '../config/option.ts'
import { Secret } from '../config/secret.ts'
import type { TokenValidator } from '../identity/identity.ts'

/** Nobody but this machine reaches the address. */
export function isLocal(address: Address): boolean {
  return address.kind === 'unix' || isLoopback(address.host)
}

/**
 * Who may see decisions: on a loopback address or unix socket whoever reaches it, under its own name (a page of
 * another site must not read it by DNS rebinding); elsewhere the holder of a Keystone token with `role`, and without
 * a role configured nobody.
 */
export function consoleAccess(address: Address, role: string, validator: TokenValidator): RequestHandler {
  return async (request, response, next) => {
    response.setHeader('cache-control', 'no-store')
    if (isLocal(address)) {
      if (address.kind === 'unix' || isLoopback((request.headers.host ?? '').replace(/:\d+$/, '')))
        return next()
      response.status(403).json({ error: 'this listener answers under its own address only' })
      return
    }
    if (role === '') {
      response.status(403).json({ error: 'set [cinderguard] console_role, or bind admin_bind to loopback' })
      return
    }
    const token = request.headers['x-auth-token']
    if (typeof token !== 'string' || token === '') {
      response.status(401).json({ error: 'a Keystone token is needed in X-Auth-Token' })
      return
    }
    const requestId = `req-${crypto.randomUUID()}`
    const lookup = async () => validator.validate(new Secret(token), false, requestId)
    const found = await lookup().catch(() => 'away' as const)
    if (found === 'away') response.status(503).json({ error: 'Keystone cannot be asked' })
    else if (found === 'invalid' || found.expiresAt < Date.now())
      response.status(401).json({ error: 'the token is not valid' })
    else if (!found.roles.includes(role)) response.status(403).json({ error: `the role ${role} is needed` })
    else {
      // What goes on for longer than one answer ends with the token.
      response.locals.until = found.expiresAt
      next()
    }
  }
}
