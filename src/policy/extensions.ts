import { BlockList, isIP } from 'node:net'
import { PolicyError } from './evaluate.ts'
import type { SyntaxProblem } from './template.ts'

/**
 * What Cinder's own policy cannot say: checks of the request itself. Their names begin with `cinderguard.`, which no
 * credential's does. A file with them is for the gateway alone: to oslo.policy they never match.
 */
export interface RequestFacts {
  /** The client's address, resolved through trusted_proxies; empty on a unix socket. */
  readonly address: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** The service that the request came through: one whose token has a service role. Null without one. */
  readonly service: ServiceUser | null
  /** Effective microversion, such as `3.27`; empty outside of /v3. */
  readonly version: string
  /** The body's value at a path of keys: text, a number, true, false or null; undefined where there is none. */
  readonly bodyAt: (path: readonly string[]) => unknown
}

/** The user of a service token. */
export interface ServiceUser {
  readonly name: string
  readonly id: string
  /** Id of the user's domain. */
  readonly domain: string | null
}

/** A request as a tool is told of it: what is left out is that of a plain call from this machine. */
export interface Described {
  readonly address?: string
  /** RFC 3339. */
  readonly time?: string
  /** Name of the service's user, or `name@domain`. */
  readonly service?: string
  readonly microversion?: string
  /** The JSON body. */
  readonly body?: unknown
}

/** What can be told of a request. */
export const FIELDS: readonly string[] = ['address', 'time', 'service', 'microversion', 'body']

/** @throws Error for what is no description of a request. */
export function readDescribed(asked: Readonly<Record<string, unknown>>): Described {
  for (const [name, value] of Object.entries(asked)) {
    if (!FIELDS.includes(name)) throw new Error(`"${name}" is none of ${FIELDS.join(', ')}`)
    if (name !== 'body' && typeof value !== 'string') throw new Error(`${name} is text`)
  }
  return asked
}

/** @param now milliseconds since the epoch, for a request without a time. @throws RangeError for no such time */
export function described(request: Described, now: number): RequestFacts {
  const time = request.time === undefined ? now : Date.parse(request.time)
  if (Number.isNaN(time)) throw new RangeError(`"${request.time}" is no time such as 2026-11-24T08:00:00Z`)
  return {
    address: request.address ?? '127.0.0.1',
    time,
    service: request.service === undefined ? null : serviceUser(request.service),
    version: request.microversion ?? '',
    bodyAt: (path) =>
      path.reduce<unknown>(
        (value, key) =>
          typeof value === 'object' && value !== null && Object.hasOwn(value, key)
            ? (value as Record<string, unknown>)[key]
            : undefined,
        request.body,
      ),
  }
}

/** What such a check read of the request, for whoever explains it. */
export function seen(check: string, request: RequestFacts): string {
  const [kind = '', text = ''] = check.slice(PREFIX.length).split(/:(.*)/s)
  const value: Readonly<Record<string, unknown>> = {
    address: request.address,
    time: new Date(request.time).toISOString(),
    service: request.service?.name ?? null,
    microversion: request.version,
    body: request.bodyAt((/^[^<>=]+/.exec(text)?.[0] ?? '').split('.')),
  }
  const found = value[kind]
  return `${kind} = ${found === undefined ? 'nothing' : String(JSON.stringify(found))}`
}

function serviceUser(text: string): ServiceUser {
  const [name = '', domain = null] = text.split(/@(.*)/s)
  return { name, id: text, domain }
}

export type Extension = (request: RequestFacts) => boolean
type Parser = (text: string) => Extension | string

export const PREFIX = 'cinderguard.'

const KINDS: Readonly<Record<string, Parser>> = {
  address: addressCheck,
  time: timeCheck,
  service: serviceCheck,
  microversion: microversionCheck,
  body: bodyCheck,
}

/** Reads `cinderguard.<kind>:<text>`. */
export function parseExtension(kind: string, text: string, offset: number): Extension | SyntaxProblem {
  const parse = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  if (parse === undefined)
    return {
      offset,
      message: `there is no check ${PREFIX}${kind}; there are ${Object.keys(KINDS).join(', ')}`,
    }
  const check = parse(text)
  return typeof check === 'string' ? { offset, message: `${PREFIX}${kind}: ${check}` } : check
}

/** `nova`, `nova@default` with the id of the user's domain, or the user's id: names are unique only in a domain. */
function serviceCheck(text: string): Extension | string {
  if (text === '') return 'a name is expected'
  return ({ service }) =>
    service !== null &&
    (service.name === text ||
      service.id === text ||
      (service.domain !== null && `${service.name}@${service.domain}` === text))
}

/** `10.0.0.0/8,2001:db8::/32`: any of them. */
function addressCheck(text: string): Extension | string {
  const networks = new BlockList()
  for (const part of text.split(',')) {
    const [address = '', prefix] = part.split(/\/(.*)/s)
    const width = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
    const length = prefix === undefined ? width : /^[0-9]{1,3}$/.test(prefix) ? Number(prefix) : -1
    if (length < 0 || length > width) return `"${part}" is no address or network such as 10.0.0.0/8`
    networks.addSubnet(address, length, width === 32 ? 'ipv4' : 'ipv6')
  }
  return ({ address }) =>
    isIP(address) !== 0 && networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** `mon-fri/08:00-18:00`, in UTC; the days may be left out; a window may go past midnight. */
function timeCheck(text: string): Extension | string {
  const found = /^(?:([a-z]{3})(?:-([a-z]{3}))?\/)?([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/.exec(
    text,
  )
  if (found === null) return `"${text}" is no window such as 08:00-18:00 or mon-fri/08:00-18:00 (UTC)`
  const [, first, last = first, ...numbers] = found
  const [h1 = 0, m1 = 0, h2 = 0, m2 = 0] = numbers.map(Number)
  const [begin, end] = [h1 * 60 + m1, h2 * 60 + m2]
  if (end > 1440) return `"${text}" ends after 24:00`
  if (begin === end) return `"${text}" ends as it begins; all day is 00:00-24:00`
  const [from, to] = [first, last].map((day) => DAYS.indexOf(day ?? 'sun'))
  if (from === undefined || to === undefined || from < 0 || to < 0) return `the days are ${DAYS.join(', ')}`
  const onDay = (day: number): boolean =>
    first === undefined || (from <= to ? day >= from && day <= to : day >= from || day <= to)
  return ({ time }) => {
    const now = new Date(time)
    const minute = now.getUTCHours() * 60 + now.getUTCMinutes()
    const day = now.getUTCDay()
    if (begin <= end) return onDay(day) && minute >= begin && minute < end
    return (onDay(day) && minute >= begin) || (onDay((day + 6) % 7) && minute < end)
  }
}

/** `>=3.44`, `<3.27`, `=3.0`. */
function microversionCheck(text: string): Extension | string {
  const found = /^(>=|<=|>|<|=)(\d+)\.(\d+)$/.exec(text)
  if (found === null) return `"${text}" is no comparison such as >=3.44`
  const [, operator = '=', major, minor] = found
  return ({ version }) => {
    const [ownMajor, ownMinor] = version.split('.').map(Number)
    if (ownMajor === undefined || ownMinor === undefined) return false
    return holds(ownMajor - Number(major) || ownMinor - Number(minor), operator)
  }
}

/** `os-extend.new_size<=100`, `os-retype.new_type=gold`; numbers are compared as numbers. */
function bodyCheck(text: string): Extension | string {
  const found = /^([^<>=]+)(>=|<=|>|<|=)(.*)$/s.exec(text)
  if (found === null) return `"${text}" is no comparison such as os-extend.new_size<=100`
  const [, path = '', operator = '=', wanted = ''] = found
  const keys = path.split('.')
  const number = NUMBER.test(wanted) ? Number(wanted) : null
  if (operator !== '=' && number === null) return `"${wanted}" is no number`
  return ({ bodyAt }) => {
    const value = bodyAt(keys)
    if (value === undefined) return false
    // Cinder takes a number written as text, too.
    const own = String(value).trim()
    if (number !== null && NUMBER.test(own)) return holds(Number(own) - number, operator)
    if (operator === '=') return String(value) === wanted
    // Python may read it as a number where JavaScript does not: such as 1_000, or digits of another script.
    throw new PolicyError(`${path} is no plain number`)
  }
}

const NUMBER = /^-?[0-9]+(?:\.[0-9]+)?$/

function holds(difference: number, operator: string): boolean {
  if (difference === 0) return operator.includes('=')
  return difference > 0 ? operator.startsWith('>') : operator.startsWith('<')
}
