import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { Option } from '../src/config/option.ts'
import { OPTIONS } from '../src/config/options.ts'
import { flagOf } from '../src/config/sources.ts'
import { FINDINGS } from '../src/doctor/finding.ts'
import { REASONS } from '../src/http/rejection.ts'
import { run } from '../src/main.ts'
import { METRICS } from '../src/record/metrics-table.ts'

const ROOT = join(import.meta.dirname, '..')
const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...['docs', 'deploy', 'policies'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
]
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const { scripts, files: packaged } = JSON.parse(textOf('package.json')) as {
  scripts: Readonly<Record<string, string>>
  files: readonly string[]
}

/** What stands in code: spans, and the lines of blocks with those that a backslash continues. */
function codeOf(text: string): readonly string[] {
  const lines = text.replace(/\\\n\s*/g, '').split('\n')
  const blocks = lines.filter((line) => /^ {4}/.test(line)).map((line) => line.trim())
  const prose = lines.filter((line) => !/^ {4}\s*\S/.test(line)).join('\n')
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replace(/\s+/g, ' '))
  return [...blocks, ...spans]
}

describe.each(FILES)('%s', (file) => {
  const text = textOf(file)

  test('leads to files and headings that are there', () => {
    const links = [
      ...[...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)].map(
        ([, link = '']) => link,
      ),
    ].filter((link) => !/^[a-z]+:/.test(link))
    expect(links.filter((link) => !leads(file, link))).toEqual([])
    // A packaged document must not lead out of the package.
    expect(isPackaged(file) ? links.filter((link) => !isPackaged(targetOf(file, link))) : []).toEqual([])
  })

  test('names commands and flags that there are', async () => {
    const commands = codeOf(text).flatMap((code) => {
      const [, rest] = /^(?:\w+=\S+ )*(?:npx )?(?:\S*\/)?cinderguard ((?:-|[a-z]).*)$/.exec(code) ?? []
      return rest === undefined ? [] : [rest]
    })
    const wrong = await Promise.all(commands.map(async (command) => [command, await problemsOf(command)]))
    expect(wrong.filter(([, problems]) => problems?.length !== 0)).toEqual([])
  })

  test('names scripts of npm that there are', () => {
    const named = codeOf(text).flatMap((code) => [...code.matchAll(/\bnpm run (?:--silent )?([\w:]+)/g)])
    expect(named.map(([, name = '']) => name).filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })

  test('names options that there are', () => {
    const named = codeOf(text).flatMap((code) => [...code.matchAll(/\[(\w+)\] (\w+)/g)])
    const unknown = named.filter(
      ([, section = '', name = '']) => sectionOf(section) !== undefined && !isOption(section, name),
    )
    expect(unknown.map(([all]) => all)).toEqual([])
  })

  test('shows configuration that there is', () => {
    let section = ''
    const unknown: string[] = []
    for (const line of text.split('\n')) {
      const code = line.trim()
      const [, header] = /^\[(\w+)\]$/.exec(code) ?? []
      const [, name] = /^(\w+) =/.exec(code) ?? []
      if (header !== undefined && line.startsWith('    ')) section = header
      else if (!line.startsWith('    ')) section = ''
      else if (['cinderguard', 'policy'].includes(section) && name !== undefined && !isOption(section, name))
        unknown.push(`[${section}] ${name}`)
    }
    expect(unknown).toEqual([])
  })

  test('names reasons and metrics that there are', () => {
    const reasons = [...text.matchAll(/\breasons? `([a-z_]+)`|\breason="(\w+)"/g)].map(
      ([, span, label]) => span ?? label ?? '',
    )
    const metrics = [...text.matchAll(/\bcinderguard_[a-z_]+/g)].map(([name]) =>
      name.replace(/_(?:bucket|sum|count)$/, ''),
    )
    expect(reasons.filter((name) => !Object.hasOwn(REASONS, name))).toEqual([])
    expect(metrics.filter((name) => !Object.hasOwn(METRICS, name))).toEqual([])
  })
})

/** Words with `_` that are neither options nor reasons: other programs' names. */
const OTHERS = /^(?:osapi_volume_listen(?:_port)?|(?:admin|project|user)_\w+|cinder_\w+)$/

test.each(['README.md', 'docs/operating.md', 'docs/troubleshooting.md', 'docs/beyond-the-fix.md'])(
  '%s: what looks like an option or a reason is one',
  (file) => {
    const words = codeOf(textOf(file)).filter((code) => /^[a-z]+(?:_[a-z0-9]+)+$/.test(code))
    const isKnown = (word: string) =>
      Object.hasOwn(REASONS, word) ||
      Object.hasOwn(METRICS, word) ||
      Object.keys(OPTIONS).some((section) => isOption(section, word)) ||
      OTHERS.test(word)
    expect(words.length).toBeGreaterThan(2)
    expect(words.filter((word) => !isKnown(word))).toEqual([])
  },
)

describe('docs/troubleshooting.md', () => {
  const text = textOf('docs/troubleshooting.md')
  test('has every alert, and no other', () => {
    const alerts = [...textOf('deploy/prometheus/alerts.yaml').matchAll(/- alert: (\w+)/g)].map(
      ([, name]) => name,
    )
    const told = [...text.matchAll(/`(Cinderguard\w+)`/g)].map(([, name]) => name)
    expect(told).toEqual(alerts)
  })
  test('has every finding of the doctor', () => {
    expect(Object.keys(FINDINGS).filter((id) => !text.includes(`\`${id}\``))).toEqual([])
  })
})

test('the README says how to start, and observes first', () => {
  const text = textOf('README.md')
  for (const command of ['npm ci && npm start', 'npm ci && npm test', 'npm run test:openstack'])
    expect(text).toContain(`\n    ${command}\n`)
  expect(text).toMatch(/\[cinderguard\]\n\s+mode = observe\n/)
  expect(text).toMatch(/<!-- bench -->[\s\S]*<!-- \/bench -->/)
})

/** npm always packs these, besides what package.json names. */
function isPackaged(file: string): boolean {
  return [...packaged, 'README.md', 'LICENSE', 'package.json'].some(
    (each) => file === each || file.startsWith(`${each}/`),
  )
}

function targetOf(file: string, link: string): string {
  const [path = ''] = link.split('#')
  return path === '' ? file : normalize(join(dirname(file), path)).replace(/\/$/, '')
}

function leads(file: string, link: string): boolean {
  const [, anchor] = link.split('#')
  const target = targetOf(file, link)
  if (!existsSync(join(ROOT, target))) return false
  if (anchor === undefined) return true
  return !statSync(join(ROOT, target)).isDirectory() && anchorsOf(textOf(target)).includes(anchor)
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** What is wrong with a command line, without `cinderguard`. */
async function problemsOf(command: string): Promise<readonly string[]> {
  const words = command.split(' ').filter((word) => word !== '')
  const [first = '', second = ''] = words
  const path = ['policy', 'attachments'].includes(first) ? [first, second] : [first]
  if (first.startsWith('--')) return ['--help', '--version'].includes(first) ? [] : [first]
  const help = await helpOf(path)
  const unknown = path.filter((word) => !new RegExp(`\\b${word}\\b`).test(help))
  const flags = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/=.*$/s, ''))
  return [...unknown, ...flags.filter((flag) => !isFlag(flag) && !new RegExp(`${flag}\\b`).test(help))]
}

const OPTION_FLAGS = new Set([
  ...['--config-file', '--config-dir', '--help'],
  ...Object.entries(OPTIONS).flatMap(([section, options]) =>
    Object.keys(options).map((name) => flagOf(section, name)),
  ),
])
const isFlag = (flag: string): boolean => OPTION_FLAGS.has(flag)

const helps = new Map<string, Promise<string>>()
let last: Promise<unknown> = Promise.resolve()
/** What `--help` prints, one after the other; empty for no command. */
function helpOf(path: readonly string[]): Promise<string> {
  const key = path.join(' ')
  const asked = async () => {
    let text = ''
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
      text += part
      return true
    })
    const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const status = await run([...path, '--help'])
    write.mockRestore()
    error.mockRestore()
    process.stdout.removeAllListeners('error')
    return status === 0 ? text : ''
  }
  const known = helps.get(key)
  if (known !== undefined) return known
  const help = last.then(asked)
  helps.set(key, help)
  last = help
  return help
}

function sectionOf(section: string): Readonly<Record<string, Option>> | undefined {
  return Object.entries<Readonly<Record<string, Option>>>(OPTIONS).find(([name]) => name === section)?.[1]
}

function isOption(section: string, name: string): boolean {
  return Object.hasOwn(sectionOf(section) ?? {}, name)
}
