import { readFlags } from '../config/flags.ts'
import { type Loaded, loadConfig } from '../config/load.ts'
import { describeProblem, type Problem } from '../config/problem.ts'

/** Reads the configuration that a command line names; every problem of flags and files together. */
export function configurationOf(argv: readonly string[], env: NodeJS.ProcessEnv): Loaded {
  const flags = readFlags(argv)
  if ('problems' in flags) return { problems: flags.problems }
  const extra = flags.rest.map(
    (word): Problem => ({
      code: 'unknown_option',
      where: 'command line',
      message: `"${word}" is not understood`,
    }),
  )
  const loaded = loadConfig({ files: flags.files, dirs: flags.dirs, env, overrides: flags.overrides })
  if (extra.length === 0) return loaded
  return { problems: [...extra, ...('problems' in loaded ? loaded.problems : [])] }
}

/** Writes problems, one a line, to standard error. */
export function printProblems(problems: readonly Problem[], heading: string): void {
  process.stderr.write(`${heading}\n${problems.map((problem) => `  ${describeProblem(problem)}\n`).join('')}`)
}
