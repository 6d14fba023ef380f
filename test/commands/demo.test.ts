import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'

// A start under load takes its time.
vi.setConfig({ testTimeout: 60_000 })

/** The demo as somebody sees it who tries it out. */
interface Shown {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  text: string
}
const running: ChildProcess[] = []

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Shown {
  const child = spawn('bin/cinderguard.js', ['demo', '--any-port', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined, ...env },
  })
  running.push(child)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const shown: Shown = { child, ended, text: '' }
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      shown.text += chunk.toString()
    })
  return shown
}
const ESCAPE = String.fromCharCode(27)
const columns = (text: string): number => text.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '').length

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

test('every answer is as announced; a file gets no colours', async () => {
  const { ended, ...shown } = start(['--once'])
  expect(await ended).toBe(0)
  expect(shown.text).not.toContain('UNEXPECTED')
})

test.each([
  ['plain in a pipe', {}, false],
  ['coloured where asked for', { FORCE_COLOR: '1' }, true],
  ['never with NO_COLOR', { NO_COLOR: '1' }, false],
])('%s, and fits 80 columns', async (_name, env, isColoured) => {
  const shown = start(['--once'], env)
  expect(await shown.ended).toBe(0)
  expect(shown.text.includes(ESCAPE)).toBe(isColoured)
  expect(shown.text.split('\n').filter((line) => columns(line) > 80)).toEqual([])
  expect(shown.text.match(/^ {3}.*HTTP \d{3}/gm)).toHaveLength(5)
})

test('while it runs, the commands that it prints work as they stand; then nothing stays', async () => {
  const shown = start([])
  await expect.poll(() => shown.text, { timeout: 30_000 }).toContain('Ctrl-C ends it')
  const folder = dirname(/source (\S+)/.exec(shown.text)?.[1] ?? '')
  const commands = [...shown.text.matchAll(/^ {2}npx cinderguard ((?:.*\\\n)*.*)$/gm)].map(([, words = '']) =>
    words.replaceAll('\\\n', ' ').split(/\s+/),
  )
  const said = Object.fromEntries(
    commands.map((words) => {
      const { status, stdout, stderr } = spawnSync('bin/cinderguard.js', words, { encoding: 'utf8' })
      return [words[0], { status, stdout, stderr }]
    }),
  )
  expect(said).toEqual({
    report: { status: 0, stdout: expect.stringContaining('attachment_in_use'), stderr: '' },
    explain: { status: 1, stdout: expect.stringContaining('facts read now by: alice'), stderr: '' },
    doctor: { status: 0, stdout: expect.stringContaining('Nothing to do.'), stderr: '' },
  })

  // The stations by hand: none takes away what another needs, in whatever order they are sent.
  const stations = shown.text
    .split(/^\d\. /m)
    .slice(1)
    .map((station) => ({
      curl: /curl(?:.*\\\n)*.*/.exec(station)?.[0] ?? '',
      announced: /HTTP (\d{3})/.exec(station)?.[1],
    }))
  expect(stations).toHaveLength(5)
  for (const { curl, announced } of [...stations, ...stations.toReversed()]) {
    const { stdout } = spawnSync('bash', ['-c', `source ${folder}/env\n${curl}`], { encoding: 'utf8' })
    expect({ curl, status: /^HTTP\/1\.1 (\d{3})/.exec(stdout)?.[1] }).toEqual({ curl, status: announced })
  }

  const page = /Console +(\S+)/.exec(shown.text)?.[1] ?? ''
  expect(await (await fetch(page)).text()).toContain('<title>')

  shown.child.kill('SIGINT')
  expect(await shown.ended).toBe(0)
  expect(existsSync(folder)).toBe(false)
})
