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
  if (mine === undefined) return reject('version_header_unusable')
  const [, text, ...more] = mine.trim().split(/\s+/)
  if (text === undefined || more.length > 0) return reject('version_header_broken')
  if (text === 'latest') return maximum ?? [3, Number.MAX_SAFE_INTEGER]
  const found = /^([1-9][0-9]*)\.([1-9][0-9]*|0)$/.exec(text)
  if (found === null) return reject('version_header_invalid', { version: text })
  const version: Version = [Number(found[1]), Number(found[2])]
  const tooNew = maximum !== null && compare(version, maximum) > 0
  if (compare(version, [3, 0]) < 0 || tooNew) {
    const newest = maximum === null ? '3.0' : maximum.join('.')
    return { ...reject('version_unsupported', { version: text, maximum: newest }), version: text }
  }
  return version
}

export function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1]
}

/** `3.27` as numbers; null for what is none. */
export function parseVersion(text: string): Version | null {
  const found = /^([0-9]+)\.([0-9]+)$/.exec(text)
  return found === null ? null : [Number(found[1]), Number(found[2])]
}
