import { type Flags, readFlags } from '../config/flags.ts'
import { type Loaded, loadConfig, loadOption } from '../config/load.ts'
import type { Address } from '../config/option.ts'
import { describeProblem, Flaw, type Problem } from '../config/problem.ts'
import { readValue } from '../config/value.ts'
import type { AdminAddress } from './ask-admin.ts'

/** Reads the configuration that a command line names; every problem of flags and files together. */
export function configurationOf(argv: readonly string[], env: NodeJS.ProcessEnv): Loaded {
  const flags = readFlags(argv)
  if ('problems' in flags) return { problems: flags.problems }
  const extra = extraWords(flags)
  const loaded = loadConfig({ files: flags.files, dirs: flags.dirs, env, overrides: flags.overrides })
  if (extra.length === 0) return loaded
  return { problems: [...extra, ...('problems' in loaded ? loaded.problems : [])] }
}

/**
 * The running gateways that a command asks: those of `--admin`, else the one whose admin_bind the configuration
 * says. Nothing else of the configuration has to be there, no account in Keystone in particular.
 */
export function adminsOf(
  admins: readonly string[],
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): readonly [AdminAddress, ...AdminAddress[]] | { readonly problems: readonly Problem[] } {
  const flags = readFlags(argv)
  if ('problems' in flags) return { problems: flags.problems }
  const extra = extraWords(flags)
  if (extra.length > 0) return { problems: extra }
  if (admins.length > 0) return named(admins)
  const { files, dirs, overrides } = flags
  const read = (name: keyof AdminAddress) => loadOption({ files, dirs, overrides, env }, 'cinderguard', name)
  const [bind, certificate] = [read('admin_bind'), read('admin_tls_cert_file')]
  if ('problems' in bind) return bind
  if ('problems' in certificate) return certificate
  return [{ admin_bind: bind.value, admin_tls_cert_file: certificate.value } as AdminAddress]
}

function named(admins: readonly string[]): ReturnType<typeof adminsOf> {
  const read = admins.map((text) =>
    readValue(text.replace(/^http:\/\//, '').replace(/\/+$/, ''), { type: 'address', help: '' }),
  )
  const problems = read.flatMap((value): Problem[] =>
    value instanceof Flaw
      ? [{ code: value.code, where: 'command line --admin', message: value.message }]
      : [],
  )
  if (problems.length > 0) return { problems }
  const addresses = read.map((value) => ({ admin_bind: value as Address, admin_tls_cert_file: undefined }))
  return addresses as unknown as readonly [AdminAddress, ...AdminAddress[]]
}

function extraWords({ rest }: Flags): readonly Problem[] {
  return rest.map((word) => ({
    code: 'unknown_option',
    where: 'command line',
    message: `"${word}" is not understood`,
  }))
}

/** Writes problems, one a line, to standard error. */
export function printProblems(problems: readonly Problem[], heading: string): void {
  process.stderr.write(`${heading}\n${problems.map((problem) => `  ${describeProblem(problem)}\n`).join('')}`)
}
