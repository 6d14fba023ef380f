import { describe, expect, test } from 'vitest'
import { isRejection } from '../../src/http/rejection.ts'
import { readTarget, type Target } from '../../src/operation/target.ts'
import { seen } from './refusal.ts'

const P = 'a0000000000000000000000000000002'
const V = 'e0000000-0000-4000-8000-000000000001'
const A = 'f0000000-0000-4000-8000-000000000001'
const ACTION = [P, 'volumes', V, 'action']
const DELETE = [P, 'attachments', A]

const ambiguous = (problem: string) => `ambiguous_target: 400 Cinderguard: ${problem}`
const NO_PATH = ambiguous('the request target is not a path')
const ESCAPE = ambiguous('an encoded slash, backslash or control character in the path')
const MALFORMED = ambiguous('a malformed percent-escape in the path')
const EMPTY = ambiguous('an empty path segment')
const DOTS = ambiguous('a path segment that can be read in two ways')
const METHOD = ambiguous('a _method query parameter')
const RAW = ambiguous('bytes in the request target that must be percent-encoded')
const PREFIX = ambiguous('an API path below an unknown prefix ([cinderguard] public_prefix)')

describe('a target with one reading is read as Cinder reads it', () => {
  const rows: readonly (readonly [
    target: string,
    mount: Target['mount'],
    segments: readonly string[],
    query?: string,
  ])[] = [
    [`/v3/${P}/volumes/${V}/action`, 'v3', ACTION],
    [`/v3/${P}/volumes/${V}/action.json`, 'v3', [P, 'volumes', V, 'action.json']],
    [`/v3/volumes/${V}/action`, 'v3', ['volumes', V, 'action']],
    [`/v2/${P}/volumes/${V}/action`, 'v2', ACTION],
    [`/v1/${P}/volumes/${V}/action`, 'v1', ACTION],
    [`/v3/${P}/attachments/${A}`, 'v3', DELETE],
    // Decoded once, as every server in front of Cinder does.
    [`/v3/${P}/volumes/${V}/%61ction`, 'v3', ACTION],
    [`/%76%33/${P}/volumes/${V}/action`, 'v3', ACTION],
    [`/v3/${P}/%61ttachments/${A.replaceAll('-', '%2d')}`, 'v3', DELETE],
    [`/v3/${P}/volumes/${V}/%2561ction`, 'v3', [P, 'volumes', V, '%61ction']],
    // What Cinder takes for another path stays another path.
    [`/v3/${P}/volumes/${V}/action/`, 'v3', [...ACTION, '']],
    [`/v3/${P}/volumes/${V}/ACTION`, 'v3', [P, 'volumes', V, 'ACTION']],
    [`/v3/${P}/volumes/${V}/action;x`, 'v3', [P, 'volumes', V, 'action;x']],
    [`/v3/${P}/volumes/${V}/action%20`, 'v3', [P, 'volumes', V, 'action ']],
    [`/v3/${P}/volumes/${V}/action%3Fx`, 'v3', [P, 'volumes', V, 'action?x']],
    [`/v3/${P}/volumes/...`, 'v3', [P, 'volumes', '...']],
    [`/v3/${P}/volumes/%C3%A9`, 'v3', [P, 'volumes', 'é']],
    ['/v3', 'v3', []],
    ['/v3/', 'v3', ['']],
    ['/', 'versions', ['']],
    ['/?x', 'versions', [''], 'x'],
    ['/healthcheck', 'healthcheck', ['healthcheck']],
    ['/favicon.ico', 'versions', ['favicon.ico']],
    [`/v3/${P}/volumes?name=my_method&limit=1`, 'v3', [P, 'volumes'], 'name=my_method&limit=1'],
    [`/v3/${P}/volumes?x=1?_method=DELETE`, 'v3', [P, 'volumes'], 'x=1?_method=DELETE'],
    [`/v3/${P}/volumes?a=%26_method=x`, 'v3', [P, 'volumes'], 'a=%26_method=x'],
  ]
  test.each(rows.map(([target, ...expected]) => [target, expected] as const))(
    '%s',
    (target, [mount, segments, query = '']) => {
      expect(readTarget(target, '')).toEqual({ mount, segments, query })
    },
  )
})

describe('a target with more than one reading is refused', () => {
  const rows: readonly (readonly [form: string, target: string, refusal: string])[] = [
    ['absolute form', `http://cinder/v3/${P}/attachments/${A}`, NO_PATH],
    ['authority form', 'cinder:8776', NO_PATH],
    ['asterisk form', '*', NO_PATH],
    ['empty', '', NO_PATH],
    ['a path without its slash', `v3/${P}/attachments/${A}`, NO_PATH],
    ['doubled slashes, which Cinder collapses', `/v3//${P}/volumes//${V}//action`, EMPTY],
    ['slashes before all', `//v3/${P}/volumes/${V}/action`, EMPTY],
    ['a host that a URL parser would see', `//cinder/v3/${P}/attachments/${A}`, EMPTY],
    ['two slashes at the end', `/v3/${P}/volumes/${V}/action//`, EMPTY],
    ['a dot segment', `/v3/./${P}/volumes/${V}/action`, DOTS],
    ['two dots', `/v3/x/../${P}/volumes/${V}/action`, DOTS],
    ['two dots out of the health check', `/healthcheck/../v3/${P}/attachments/${A}`, DOTS],
    ['encoded dots', `/v3/x/%2e%2E/${P}/volumes/${V}/action`, DOTS],
    ['half-encoded dots', `/v3/x/.%2e/${P}/volumes/${V}/action`, DOTS],
    ['a last dot', `/v3/${P}/attachments/${A}/.`, DOTS],
    ['an encoded slash', `/v3%2F${P}%2Fvolumes%2F${V}%2Faction`, ESCAPE],
    ['an encoded slash in lower case', `/v3/${P}/attachments%2f${A}`, ESCAPE],
    ['an encoded backslash', `/v3/${P}/attachments%5C${A}`, ESCAPE],
    ['a backslash', `/v3/${P}\\attachments\\${A}`, ambiguous('a backslash in the path')],
    ['a NUL', `/v3/${P}/volumes/${V}/action%00`, ESCAPE],
    ['a line break that Python would overlook', `/v3/${P}/volumes/${V}/action%0A`, ESCAPE],
    ['a line break after .json', `/v3/${P}/attachments/${A}.json%0a`, ESCAPE],
    ['a tab', `/v3/${P}/attachments/%09${A}`, ESCAPE],
    ['DEL', `/v3/${P}/attachments/${A}%7F`, ESCAPE],
    ['an escape that is none', `/v3/${P}/volumes/${V}/%zzaction`, MALFORMED],
    ['a doubled percent sign', `/v3/${P}/volumes/${V}/%%61ction`, MALFORMED],
    ['a percent sign at the end', `/v3/${P}/volumes/${V}/action%`, MALFORMED],
    ['half an escape', `/v3/${P}/volumes/${V}/action%6`, MALFORMED],
    ['a fragment', `/v3/${P}/volumes/${V}/action#x`, ambiguous('a # in the request target')],
    ['a fragment in the query', `/v3/${P}/volumes?x#y`, ambiguous('a # in the request target')],
    ['bytes that are not UTF-8', `/v3/${P}/attachments/%E1${A}`, ambiguous('a path that is not UTF-8')],
    ['an overlong slash', `/v3/${P}/attachments%C0%AF${A}`, ambiguous('a path that is not UTF-8')],
    ['raw bytes above ASCII', `/v3/${P}/attachments/\u00e1`, RAW],
    ['a space', `/v3/${P}/volumes/${V}/action x`, RAW],
    ['a control character in the query', `/v3/${P}/volumes?\u0001`, RAW],
    ['_method in the query', `/v3/${P}/attachments/${A}?_method=DELETE`, METHOD],
    ['_method among others', `/v3/${P}/attachments/${A}?a=1&_method=delete&b=2`, METHOD],
    ['_method after a semicolon', `/v3/${P}/attachments/${A}?a=1;_method=DELETE`, METHOD],
    ['an encoded _method', `/v3/${P}/attachments/${A}?x=_method&%5fmethod=DELETE`, METHOD],
    ['a wholly encoded _method', `/v3/${P}/attachments/${A}?%5F%6D%65%74%68%6F%64=DELETE`, METHOD],
    ['_method without a value', `/v3/${P}/attachments/${A}?_method`, METHOD],
    ['_method whose value is another action', `/v3/${P}/volumes/${V}/action?_method=po%C5%BFt`, METHOD],
    ['another prefix', `/volume/v3/${P}/attachments/${A}`, PREFIX],
    ['another prefix, another spelling', `/volume/V3/${P}/volumes/${V}/action`, PREFIX],
    ['a version that nobody has', `/v4/${P}/volumes/${V}/action`, PREFIX],
    ['no version at all', `/volumes/${V}/action`, PREFIX],
    ['below the health check', `/healthcheck/v3/${P}`, PREFIX],
  ]
  test.each(rows)('%s: %s', (_form, target, refusal) => {
    expect(seen(readTarget(target, ''))).toBe(refusal)
  })
})

describe('a public prefix', () => {
  const rows: readonly (readonly [prefix: string, target: string, expected: string])[] = [
    ['/volume', `/volume/v3/${P}/attachments/${A}`, `v3 ${DELETE.join(' ')}`],
    ['/volume', `/volume/v2/${P}/volumes/${V}/action`, `v2 ${ACTION.join(' ')}`],
    ['/%76olume', `/volume/v3/${P}/attachments/${A}`, PREFIX],
    ['/volume', `/%76olume/v3/${P}/attachments/${A}`, `v3 ${DELETE.join(' ')}`],
    ['/a/b', `/a/b/v3/${P}/attachments/${A}`, `v3 ${DELETE.join(' ')}`],
    ['/a/b', `/a/v3/${P}/attachments/${A}`, PREFIX],
    ['/volume', `/v3/${P}/attachments/${A}`, PREFIX],
    ['/volume', `/VOLUME/v3/${P}/attachments/${A}`, PREFIX],
    ['/volume', `/volume/volume/v3/${P}/attachments/${A}`, PREFIX],
    ['/volume', '/volume', 'versions '],
    ['/volume', '/volume/', 'versions '],
    ['/volumes', '/volumes/', 'versions '],
    ['/volume', '/volume/healthcheck', 'healthcheck healthcheck'],
    ['/volume', '/', 'versions '],
  ]
  test.each(rows)('%s %s', (prefix, target, expected) => {
    const found = readTarget(target, prefix)
    expect(isRejection(found) ? seen(found) : `${found.mount} ${found.segments.join(' ')}`).toBe(expected)
  })
})
