import { wrap } from '../config/wrap.ts'
import type { Command } from './command.ts'
import { COMMANDS } from './table.ts'

const WIDTH = 80
/** The widest flag that its help stands beside. */
const BESIDE = 24

/** `cinderguard COMMAND --help`, but for the options of the configuration. */
export function usageOf(path: readonly string[], command: Command): string {
  const name = ['cinderguard', ...path].join(' ')
  const { about = [], flags = {}, commands } = command
  const called = command.usage.map((line, index) => `${index === 0 ? 'Usage:' : '      '} ${name} ${line}`)
  return `${[
    ...wrap(`${name}: ${command.summary}`, WIDTH),
    '',
    ...called.map((line) => line.trimEnd()),
    ...about.flatMap((paragraph) => ['', ...wrap(paragraph, WIDTH)]),
    ...block(
      '',
      Object.entries(flags).map(([flag, row]) => [`--${flag} ${row.value ?? ''}`.trim(), row.help]),
    ),
    ...block(
      '',
      Object.entries(commands ?? {}).map(([word, { summary }]) => [word, summary]),
    ),
    ...(command.configured === true ? ['', ...CONFIGURATION] : []),
    ...block(
      'Exit codes:',
      Object.entries(command.exitCodes).map(([code, meaning]) => [code, meaning]),
    ),
  ].join('\n')}\n`
}

const CONFIGURATION = [
  'The configuration is read as the gateway reads it: --config-file FILE,',
  '--config-dir DIR, --OPTION VALUE. All options: cinderguard serve --help, or',
  'docs/options.md.',
]

/** What `cinderguard --help` prints. */
export function overview(): string {
  return `${[
    'Cinderguard: a policy and security gateway for OpenStack block storage',
    '(CVE-2023-2088).',
    '',
    'Usage: cinderguard COMMAND [--config-file FILE]... [--OPTION VALUE]...',
    ...block(
      '',
      Object.entries<Command>(COMMANDS).map(([name, { summary }]) => [name, summary]),
    ),
    '',
    'cinderguard COMMAND --help shows how each is used; cinderguard --version prints',
    'the version. Exit codes: 0 done, 1 failed or found something, 2 invalid command',
    'line or configuration; their meaning for each command is in its --help.',
  ].join('\n')}\n`
}

/** Two columns; nothing for no rows. */
function block(heading: string, rows: readonly (readonly [string, string])[]): readonly string[] {
  if (rows.length === 0) return []
  const left = Math.min(BESIDE, Math.max(...rows.map(([name]) => name.length))) + 2
  const lines = rows.flatMap(([name, help]) => {
    const [first = '', ...more] = wrap(help, WIDTH - left - 2)
    const under = more.map((line) => `${' '.repeat(left + 2)}${line}`)
    if (name.length > left - 2)
      return [`  ${name}`, ...[first, ...more].map((line) => ' '.repeat(left + 2) + line)]
    return [`  ${name.padEnd(left)}${first}`, ...under]
  })
  return ['', ...(heading === '' ? [] : [heading]), ...lines]
}
