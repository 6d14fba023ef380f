import { commandOf, type Named, problemsOfFlags } from './commands/command-line.ts'
import { printProblems } from './commands/configuration.ts'
import { COMMANDS, type CommandName } from './commands/table.ts'
import { overview, usageOf } from './commands/usage.ts'
import { versionOf } from './version.ts'

type Run = (argv: readonly string[]) => Promise<number> | number

/** What runs each command, which is loaded when it is asked for. Resolves to the process's exit code. */
const RUN: Readonly<Record<CommandName, Run>> = {
  serve: async (argv) => (await import('./commands/serve.ts')).serve(argv),
  'check-config': async (argv) => (await import('./commands/check-config.ts')).checkConfig(argv),
  doctor: async (argv) => (await import('./commands/doctor.ts')).doctor(argv),
  explain: async (argv) => (await import('./commands/explain.ts')).explainCommand(argv),
  report: async (argv) => (await import('./commands/report.ts')).report(argv),
  attachments: async (argv) => (await import('./commands/attachments.ts')).attachments(argv),
  policy: async (argv) => (await import('./commands/policy/policy.ts')).policy(argv),
  demo: async (argv) => (await import('./commands/demo.ts')).demo(argv),
  completion: async (argv) => (await import('./commands/completion/completion.ts')).completion(argv),
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
  if (word === '--help' || word === '-h') return RUN.help(rest)
  if (word === 'help') {
    const named = rest.filter((each) => each !== '--help' && each !== '-h')
    return RUN.help(named.length < rest.length && named.length === 0 ? ['help'] : named)
  }
  const named = commandOf(argv, COMMANDS)
  if ('problem' in named) return refuse(named.problem)
  if (named.rest.includes('--help') || named.rest.includes('-h')) return help(named.path)
  const problems = problemsOfFlags(named)
  if (problems.length > 0) {
    const name = ['cinderguard', ...named.path].join(' ')
    printProblems(problems, `${name}: invalid command line (${name} --help):`)
    return 2
  }
  return RUN[word as CommandName](rest)
}

async function help(path: readonly string[]): Promise<number> {
  // A command of commands is named by itself here.
  const named = commandOf([...path, '--help'], COMMANDS)
  if ('problem' in named) return refuse(named.problem)
  return print(usageOf(named.path, named.command) + (await optionsFor(named)))
}

/** One command lists all options; they are the same for the others. */
async function optionsFor({ path }: Named): Promise<string> {
  return path[0] === 'serve' ? `\n${(await import('./config/help.ts')).renderHelp()}` : ''
}

function refuse(problem: string): number {
  process.stderr.write(`${problem} (cinderguard --help)\n`)
  return 2
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}
