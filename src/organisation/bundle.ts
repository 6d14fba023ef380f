import { CompactSign, type CryptoKey, compactVerify, importPKCS8 } from 'jose'
import type { JwsKey } from '../identity/jws.ts'
import type { BundleRule } from '../policy/ruleset.ts'

/** The organisation's policy, as it is signed. */
export interface Bundle {
  /** Grows with every change; an older one is never taken after a newer. */
  readonly version: number
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch; not taken from then on, though one already in force stays. */
  readonly expiresAt: number
  /** Check strings by rule name. */
  readonly rules: Readonly<Record<string, string>>
  /** Names of rules that local files can only tighten. */
  readonly locked: readonly string[]
}

/** The `typ` of the JWS header, so that no other signed thing is taken for a policy. */
const TYPE = 'cinderguard-policy+jws'

/** A bundle that is not taken, and why. */
export class BundleError extends Error {}

/** @returns a compact JWS. @throws when the key is of no fitting kind. */
export async function signBundle(bundle: Bundle, privateKeyPem: string): Promise<string> {
  for (const algorithm of ['EdDSA', 'ES256', 'ES384', 'ES512']) {
    const key = await importPKCS8(privateKeyPem, algorithm).catch((): CryptoKey | null => null)
    if (key === null) continue
    const payload = {
      version: bundle.version,
      iat: bundle.issuedAt,
      exp: bundle.expiresAt,
      rules: bundle.rules,
      locked: bundle.locked,
    }
    return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: algorithm, typ: TYPE })
      .sign(key)
  }
  throw new BundleError('the key is no PEM private key (PKCS#8) of Ed25519, P-256, P-384 or P-521')
}

/** Reads a bundle that one of the keys has signed. Expiry is for the caller to judge. @throws BundleError */
export async function openBundle(text: string, keys: readonly JwsKey[]): Promise<Bundle> {
  for (const { algorithm, key } of keys) {
    const verified = await compactVerify(text.trim(), key, { algorithms: [algorithm] }).catch(() => null)
    if (verified === null) continue
    if (verified.protectedHeader.typ !== TYPE) throw new BundleError(`its typ is not ${TYPE}`)
    return bundleOf(verified.payload)
  }
  throw new BundleError('none of bundle_public_keys has signed it')
}

/** The version that a text claims, whoever signed it: as a floor, when its key is gone. Null when it tells none. */
export function claimedVersion(text: string): number | null {
  try {
    return claimedBundle(text).version
  } catch {
    return null
  }
}

/** What a text claims, whoever signed it: for tools, never to decide by. @throws BundleError */
export function claimedBundle(text: string): Bundle {
  return bundleOf(Buffer.from(text.split('.')[1] ?? '', 'base64url'))
}

function bundleOf(payload: Uint8Array): Bundle {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    throw new BundleError('it is not JSON')
  }
  const { version, iat, exp, rules, locked } = (value ?? {}) as Record<string, unknown>
  if (!isCount(version) || !isCount(iat) || !isCount(exp))
    throw new BundleError('version, iat and exp must be whole numbers')
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules))
    throw new BundleError('rules must map names to check strings')
  const wrong = Object.entries(rules).find(([, check]) => typeof check !== 'string')
  if (wrong !== undefined) throw new BundleError(`rule "${wrong[0]}" is no string`)
  if (!Array.isArray(locked)) throw new BundleError('locked must list names of rules')
  const unknown = locked.find((name) => typeof name !== 'string' || !Object.hasOwn(rules, name))
  if (unknown !== undefined)
    throw new BundleError(`locked names ${JSON.stringify(unknown)}, which is not in rules`)
  return { version, issuedAt: iat, expiresAt: exp, rules: rules as Bundle['rules'], locked }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/** The bundle as the policy's lower layer. */
export function rulesOf(bundle: Bundle): ReadonlyMap<string, BundleRule> {
  const file = `bundle ${bundle.version}`
  return new Map(
    Object.entries(bundle.rules).map(([name, check]) => [
      name,
      { check, place: { file, line: 1, column: 1 }, locked: bundle.locked.includes(name) },
    ]),
  )
}
