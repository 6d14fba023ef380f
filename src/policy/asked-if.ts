import { compare, parseVersion } from '../operation/version.ts'
import type { ApiCall } from './operations.ts'

/** Whether a microversion compares so; an unknown one (of a tool that was not told) counts as the newest. */
export function isSince(version: string, major: number, minor: number): boolean {
  const own = parseVersion(version)
  return own === null || compare(own, [major, minor]) >= 0
}

/** What oslo.utils' bool_from_string takes for true. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'true', 'on', 'y', 'yes'])

/**
 * `force` of a DELETE, where WebOb finds it: in the query, and in a form that such a request has for a body. Any that
 * reads as true counts: of a query that WebOb's versions read in two ways, the stricter reading.
 */
export function isForced({ query, form }: ApiCall): boolean {
  return [query, form ?? ''].some(isForcedBy)
}

function isForcedBy(text: string): boolean {
  if (!text.includes('%') && !text.includes('force')) return false
  return ['&', /[&;]/].some((separator) =>
    text.split(separator).some((pair) => {
      const [name = '', ...value] = pair.split('=')
      return unescaped(name) === 'force' && TRUE.has(unescaped(value.join('=')).trim().toLowerCase())
    }),
  )
}

function unescaped(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
