// How things are said: one place for numbers, times and names.

const INTEGER = new Intl.NumberFormat('en')
export const count = (number) => INTEGER.format(number)

/** Two or three digits that count. */
export function rate(number) {
  if (number === 0) return '0'
  if (number < 0.1) return number.toFixed(2)
  return number < 10 ? number.toFixed(1) : INTEGER.format(Math.round(number))
}

export function milliseconds(seconds) {
  const ms = seconds * 1000
  return ms < 10 ? ms.toFixed(1) : INTEGER.format(Math.round(ms))
}

export const percent = (part, all) => (all === 0 ? '–' : String(Math.round((100 * part) / all)))

const two = (number) => String(number).padStart(2, '0')

export const clock = (date) => [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')

/** The clock, with the day when it is not today. */
export function moment(date) {
  if (date.toDateString() === new Date().toDateString()) return clock(date)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(date)}`
}

/** Of an ISO 8601 text, also with CADF's `+0000`; null when it is none. */
export function dateOf(text) {
  const date = new Date(String(text ?? '').replace(/\+0000$/, 'Z'))
  return Number.isNaN(date.getTime()) ? null : date
}

/** `volume_id` and `volumeId` as people write it. */
export function name(key) {
  const words = key
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/\bid\b/, 'ID')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export const VERDICTS = {
  refused: 'Refused',
  observed: 'Would be refused',
  forwarded: 'Passed',
}

/** Of a record's `caller`. */
export const CALLERS = {
  service: 'a service, with its token',
  'trusted-user': 'a trusted service user, without a token',
  'service-without-token': 'looks like a service without its token',
  'service-without-role': 'a service whose user has no service role',
  'service-with-bad-token': 'looks like a service with a bad token',
  user: 'a user',
  unknown: 'not known',
}

/** Any value in a few words. */
export function value(any) {
  if (any === null || any === undefined || any === '') return '–'
  if (Array.isArray(any)) return any.length === 0 ? 'none' : any.map(value).join(', ')
  if (typeof any === 'object')
    return Object.entries(any)
      .map(([key, each]) => `${key} ${value(each)}`)
      .join(' · ')
  return String(any)
}
