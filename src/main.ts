import { attachments } from './commands/attachments.ts'
import { checkConfig } from './commands/check-config.ts'
import { demo } from './commands/demo.ts'
import { doctor } from './commands/doctor.ts'
import { explainCommand } from './commands/explain.ts'
import { POLICY_USAGE, policy } from './commands/policy/policy.ts'
import { report } from './commands/report.ts'
import { serve } from './commands/serve.ts'
import { renderHelp } from './config/help.ts'
import { nearest } from './config/nearest.ts'
import { versionOf } from './version.ts'

/** One word of the command line. Resolves to the process's exit code. */
interface Command {
  readonly summary: string
  readonly run: (argv: readonly string[]) => Promise<number> | number
}

/** Exit codes: 0 done, 1 failed while running, 2 wrong command line or configuration. */
const COMMANDS: Readonly<Record<string, Command>> = {
  serve: { summary: 'run the gateway', run: serve },
  'check-config': { summary: 'report every problem of a configuration, without starting', run: checkConfig },
  doctor: { summary: 'check an installation end to end, and say what to do', run: doctor },
  explain: {
    summary: 'say step by step what the gateway would do with a request, and why',
    run: explainCommand,
  },
  report: {
    summary: 'ask the running gateway who is refused, or would be, and what to fix before enforcing',
    run: report,
  },
  attachments: {
    summary: 'audit: attachment records that Nova does not know, with the safe command for each',
    run: attachments,
  },
  policy: { summary: 'list, check, explain, test, compare and sign policies', run: policy },
  demo: { summary: 'run the gateway in front of an embedded stand-in cloud, with a guided tour', run: demo },
}

/** Runs a command line, without the program's name. */
export async function run(argv: readonly string[]): Promise<number> {
  // As a reader that has seen enough, such as head.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const [word, ...rest] = argv
  if (word === '--version' || word === 'version') return print(`cinderguard ${versionOf()}\n`)
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') return print(overview())
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
  if (command === undefined) {
    const guess = nearest(word, Object.keys(COMMANDS))
    process.stderr.write(
      `cinderguard: there is no command "${word}"${guess ? `; did you mean "${guess}"?` : ''}\n`,
    )
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    if (word === 'policy') return print(POLICY_USAGE)
    if (['report', 'doctor', 'attachments'].includes(word)) return command.run(['--help'])
    return print(`cinderguard ${word}: ${command.summary}\n\n${word === 'demo' ? '' : renderHelp()}`)
  }
  return command.run(rest)
}

function overview(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`)
  return [
    'Cinderguard: a policy and security gateway for OpenStack block storage (CVE-2023-2088).',
    '',
    'Usage: cinderguard COMMAND [--config-file FILE]... [--config-dir DIR]... [--OPTION VALUE]...',
    '',
    ...rows,
    '',
    'cinderguard COMMAND --help lists the options; cinderguard --version prints the release.',
    'Exit codes: 0 done, 1 failed while running, 2 wrong command line or configuration.',
    '',
  ].join('\n')
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}
