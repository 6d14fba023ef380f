import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { readRecorded } from '../../src/record/recorded.ts'

const folder = mkdtempSync(join(tmpdir(), 'cinderguard-recorded-'))
afterAll(() => rmSync(folder, { recursive: true }))

const record = (hour: string, content: object) =>
  JSON.stringify({ eventTime: `2026-11-23T${hour}:00:00.000000+0000`, attachments: [{ content }] })
const MISSING = {
  verdict: 'observed',
  reason: 'service_token_missing',
  caller: 'service-without-token',
  operation: 'volume-detach',
  user_id: 'alice',
  client: '192.0.2.1',
  status: 202,
}
const SERVICE = {
  verdict: 'forwarded',
  reason: null,
  operation: 'volume-detach',
  user_id: 'alice',
  client: '192.0.2.1',
  is_service: true,
  service: { id: 'n', name: 'nova', roles: ['service'] },
}
function file(name: string, ...lines: readonly string[]): string {
  const path = join(folder, name)
  const text = lines.join('\n')
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text)
  return path
}

describe('files of decision records', () => {
  const old = file('audit.log.1.gz', record('10', MISSING), record('11', MISSING))
  const now = file('audit.log', 'half a li', '{"level":30,"msg":"draining"}', record('12', SERVICE), '')

  test('are added up, packed ones too; what is no record is passed over', async () => {
    expect(await readRecorded([old, now])).toMatchObject({
      mode: 'recorded',
      since: '2026-11-23T10:00:00.000Z',
      guarded: 3,
      ready: true,
      rows: [{ reason: 'service_token_missing', count: 2, resolved: '2026-11-23T12:00:00.000Z' }],
      services: [{ userName: 'nova', count: 1, guarded: 1 }],
    })
    expect(await readRecorded([old])).toMatchObject({ ready: false, rows: [{ blocks: true }] })
  })
  test('since a moment', async () => {
    expect(await readRecorded([old, now], '2026-11-23T11:00:00.000Z')).toMatchObject({
      since: '2026-11-23T11:00:00.000Z',
      guarded: 2,
    })
  })
  test.each([
    ['without a decision record', 'cinderguard.log', '{"level":30}'],
    ['that is empty', 'empty.log', ''],
    ['empty and packed', 'empty.log.gz', ''],
  ])('one %s is told', async (_name, name, text) => {
    await expect(readRecorded([old, file(name, text)])).rejects.toThrow(`${name} has no decision records`)
  })
  test('one that is not there, or no gzip, is told', async () => {
    await expect(readRecorded([join(folder, 'none')])).rejects.toThrow('ENOENT')
    await expect(readRecorded([join(folder, 'none.gz')])).rejects.toThrow('ENOENT')
    const path = join(folder, 'odd.gz')
    writeFileSync(path, 'not packed')
    await expect(readRecorded([path])).rejects.toThrow('incorrect header check')
  })
})
