import { type Rejection, reject } from '../http/rejection.ts'

/** A microversion; compared numerically. */
export type Version = readonly [major: number, minor: number]

/**
 * The effective microversion, read as Cinder reads `OpenStack-API-Version` (api/openstack/wsgi.py,
 * `set_api_version_request`), or Cinder's refusal of the header.
 *
 * @param maximum the upstream's newest, or null when unknown: then nothing is too new.
 */
export function readVersion(header: string | undefined, maximum: Version | null): Version | Rejection {
  if (header === undefined) return [3, 0]
  const mine = header.split(',').find((part) => part.includes('volume'))
  const words = mine?.trim().split(/\s+/)
  const text = words?.[1]
  if (words === undefined || words.length !== 2 || text === undefined)
    return reject('version_header_unusable')
  if (text === 'latest') return maximum ?? [3, Number.MAX_SAFE_INTEGER]
  const found = /^([1-9][0-9]*)\.([1-9][0-9]*|0)$/.exec(text)
  if (found === null) return reject('version_header_invalid', { version: text })
  const version: Version = [Number(found[1]), Number(found[2])]
  const tooNew = maximum !== null && compare(version, maximum) > 0
  if (compare(version, [3, 0]) < 0 || tooNew) {
    return reject('version_unsupported', {
      version: text,
      maximum: maximum === null ? '3.0' : maximum.join('.'),
    })
  }
  return version
}

export function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1]
}
