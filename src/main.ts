import { attachments } from './commands/attachments.ts'
import { checkConfig } from './commands/check-config.ts'
import { commandOf, type Named, problemsOfFlags } from './commands/command-line.ts'
import { completion } from './commands/completion/completion.ts'
import { printProblems } from './commands/configuration.ts'
import { demo } from './commands/demo.ts'
import { doctor } from './commands/doctor.ts'
import { explainCommand } from './commands/explain.ts'
import { policy } from './commands/policy/policy.ts'
import { report } from './commands/report.ts'
import { serve } from './commands/serve.ts'
import { COMMANDS, type CommandName } from './commands/table.ts'
import { overview, usageOf } from './commands/usage.ts'
import { renderHelp } from './config/help.ts'
import { versionOf } from './version.ts'

/** What runs each command. Resolves to the process's exit code. */
const RUN: Readonly<Record<CommandName, (argv: readonly string[]) => Promise<number> | number>> = {
  serve,
  'check-config': checkConfig,
  doctor,
  explain: explainCommand,
  report,
  attachments,
  policy,
  demo,
  completion,
  help: (argv) => (argv.length === 0 ? print(overview()) : help(argv)),
  version: () => print(`cinderguard ${versionOf()}\n`),
}

/** Runs a command line, without the program's name. */
export async function run(argv: readonly string[]): Promise<number> {
  // As a reader that has seen enough, such as head.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const [word, ...rest] = argv
  if (word === undefined) {
    process.stderr.write(overview())
    return 2
  }
  if (word === '--version') return RUN.version([])
  if (word === '--help' || word === '-h' || word === 'help') return RUN.help(rest)
  const named = commandOf(argv, COMMANDS)
  if ('problem' in named) return refuse(named.problem)
  if (named.rest.includes('--help') || named.rest.includes('-h')) return help(named.path)
  const problems = problemsOfFlags(named)
  if (problems.length > 0) {
    const name = ['cinderguard', ...named.path].join(' ')
    printProblems(problems, `${name} does not understand its command line (${name} --help):`)
    return 2
  }
  return RUN[word as CommandName](rest)
}

function help(path: readonly string[]): number {
  // A command of commands is named by itself here.
  const named = commandOf([...path, '--help'], COMMANDS)
  if ('problem' in named) return refuse(named.problem)
  return print(usageOf(named.path, named.command) + optionsFor(named))
}

/** One command lists all options; they are the same for the others. */
function optionsFor({ path }: Named): string {
  return path[0] === 'serve' ? `\n${renderHelp()}` : ''
}

function refuse(problem: string): number {
  process.stderr.write(`${problem} (cinderguard --help)\n`)
  return 2
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}
