import { type Rejection, reject } from '../http/rejection.ts'

/** Which application of Cinder's composite a path belongs to (etc/cinder/api-paste.ini). */
export type Mount = 'v1' | 'v2' | 'v3' | 'versions' | 'healthcheck'

export interface Target {
  readonly mount: Mount
  /** Decoded path segments below the mount; a lone trailing slash gives a last empty segment. */
  readonly segments: readonly string[]
  /** Raw query string without `?`. */
  readonly query: string
}

/**
 * The one reading of a request target, or a refusal. The rule: what any server in front of Cinder (uWSGI,
 * eventlet, Apache) reads differently from another, and no OpenStack client sends, is refused; the rest is
 * percent-decoded once and split, as Cinder's paste URLMap and Routes see it.
 *
 * @param prefix the public mount prefix, such as `/volume`, or empty.
 */
export function readTarget(raw: string, prefix: string): Target | Rejection {
  const mark = raw.indexOf('?')
  const path = mark === -1 ? raw : raw.slice(0, mark)
  const query = mark === -1 ? '' : raw.slice(mark + 1)
  // Nearly every path: nothing to decode, nothing to be read in two ways.
  if (PLAIN.test(path) && isPlainQuery(query)) return targetOf(path.split('/').slice(1), query, prefix)
  const problem = problemOf(raw)
  if (problem !== null) return reject('ambiguous_target', { problem })
  const all = path.split('/').slice(1).map(decodeURIComponent)
  const bad = all.find(isAmbiguousSegment)
  if (bad !== undefined)
    return reject('ambiguous_target', { problem: 'a path segment that can be read in two ways' })
  if (all.some((segment, index) => segment === '' && index < all.length - 1)) {
    return reject('ambiguous_target', { problem: 'an empty path segment' })
  }
  if (overridesMethod(query)) return reject('ambiguous_target', { problem: 'a _method query parameter' })
  return targetOf(all, query, prefix)
}

/** Segments that begin with a letter, a digit or `_`, and have no character that means something in a URL. */
const PLAIN = /^(?:\/\w[\w.~-]*)+$/

function isPlainQuery(query: string): boolean {
  return query === '' || (/^[\w.~=&:,-]*$/.test(query) && !query.includes('_method'))
}

function targetOf(all: readonly string[], query: string, prefix: string): Target | Rejection {
  const wanted = prefix === '' ? [] : prefix.split('/').slice(1)
  const inPrefix = wanted.every((segment, index) => all[index] === segment)
  const below = inPrefix ? all.slice(wanted.length) : all
  const mount = inPrefix ? mountOf(below[0] ?? '') : 'versions'
  if (mount !== 'versions' && mount !== 'healthcheck') return { mount, segments: below.slice(1), query }
  // An API below a prefix that nobody configured would be served without authentication.
  if (
    below.some((segment) => /^v[0-9]/i.test(segment) && mountOf(segment) !== 'versions') ||
    looksGuarded(below)
  ) {
    return reject('ambiguous_target', {
      problem: 'an API path below an unknown prefix ([cinderguard] public_prefix)',
    })
  }
  return { mount, segments: below, query }
}

function mountOf(first: string): Mount {
  return first === 'v3' || first === 'v2' || first === 'v1' || first === 'healthcheck' ? first : 'versions'
}

function looksGuarded(segments: readonly string[]): boolean {
  return segments.includes('attachments') || segments.includes('volumes')
}

function problemOf(raw: string): string | null {
  if (!raw.startsWith('/')) return 'the request target is not a path'
  if (raw.includes('#')) return 'a # in the request target'
  if (!/^[\x21-\x7e]+$/.test(raw)) return 'bytes in the request target that must be percent-encoded'
  const path = raw.split('?', 1)[0] ?? ''
  if (path.includes('\\')) return 'a backslash in the path'
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return 'a malformed percent-escape in the path'
  if (/%(?:[01][0-9a-fA-F]|7[fF]|2[fF]|5[cC])/.test(path))
    return 'an encoded slash, backslash or control character in the path'
  try {
    decodeURIComponent(path)
  } catch {
    return 'a path that is not UTF-8'
  }
  return null
}

function isAmbiguousSegment(segment: string): boolean {
  return segment === '.' || segment === '..'
}

/**
 * Cinder's Routes middleware lets a query parameter `_method` replace the method. WebOb splits the query at
 * `&` and `;`; only the parameter's name counts, so a value such as `name=my_method` stays usable.
 */
export function overridesMethod(query: string): boolean {
  return query.split(/[&;]/).some((pair) => {
    const name = (pair.split('=', 1)[0] ?? '').replaceAll('+', ' ')
    return unescapeLeniently(name) === '_method'
  })
}

function unescapeLeniently(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
