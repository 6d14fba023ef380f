import { keepGenerated } from '../generated.ts'
import type { Command } from './command.ts'
import { COMMANDS } from './table.ts'

/** The reference of all commands, in Markdown: docs/commands.md. */
export function renderCommands(): string {
  const lines = [
    '# Commands',
    '',
    '<!-- made from src/commands/table.ts by `node src/commands/reference.ts --write` -->',
    '',
    'Commands marked with *configuration* read it as the gateway does: `--config-file FILE`, `--config-dir DIR`, the',
    'environment and `--OPTION VALUE`, see [the options](options.md). `cinderguard COMMAND --help` shows the same.',
    'Exit codes are 0 for done, 1 for failed or found something, 2 for an invalid command line or configuration; their',
    'meaning is listed for each command.',
    ...Object.entries<Command>(COMMANDS).flatMap(([word, command]) => section([word], command)),
  ]
  return `${lines.join('\n')}\n`
}

function section(path: readonly string[], command: Command): readonly string[] {
  const name = `cinderguard ${path.join(' ')}`
  const { about = [], flags = {}, commands = {}, exitCodes, usage, configured } = command
  const rows = Object.entries(flags).map(
    ([flag, { value, help }]) => `- \`${`--${flag} ${value ?? ''}`.trim()}\`: ${help}`,
  )
  const codes = Object.entries(exitCodes).map(([code, meaning]) => `- ${code}: ${meaning}`)
  return [
    '',
    `${'#'.repeat(path.length + 1)} ${name}`,
    '',
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.${configured === true ? ' *configuration*' : ''}`,
    '',
    '```',
    ...usage.map((line) => `${name} ${line}`.trim()),
    '```',
    ...about.flatMap((paragraph) => ['', paragraph]),
    ...(rows.length === 0 ? [] : ['', ...rows]),
    ...(codes.length === 0 ? [] : ['', 'Exit codes:', '', ...codes]),
    ...Object.entries(commands).flatMap(([word, inner]) => section([...path, word], inner)),
  ]
}

if (import.meta.main) keepGenerated('docs/commands.md', renderCommands(), 'src/commands/reference.ts')
