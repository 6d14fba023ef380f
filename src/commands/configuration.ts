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
): Admins | { readonly problems: readonly Problem[] } {
  const flags = readFlags(argv)
  if ('problems' in flags) return { problems: flags.problems }
  const extra = extraWords(flags)
  if (extra.length > 0) return { problems: extra }
  const { files, dirs, overrides } = flags
  const option = (name: string) => loadOption({ files, dirs, overrides, env }, 'cinderguard', name)
  const certificate = option('admin_tls_cert_file')
  if ('problems' in certificate) return certificate
  const tls = { admin_tls_cert_file: certificate.value as string | undefined }
  if (admins.length > 0) return named(admins, tls)
  const bind = option('admin_bind')
  return 'problems' in bind ? bind : [{ admin_bind: bind.value as Address, ...tls }]
}

/** At least one. */
export type Admins = readonly [AdminAddress, ...AdminAddress[]]

/** One by https is known by the certificate that the configuration names for the admin listener. */
function named(
  admins: readonly string[],
  tls: Pick<AdminAddress, 'admin_tls_cert_file'>,
): ReturnType<typeof adminsOf> {
  const problems: Problem[] = []
  const complain = (code: Problem['code'], message: string) => {
    problems.push({ code, where: 'command line --admin', message })
  }
  const read = admins.map((text) => {
    const address = text.replace(/^https?:\/\//, '').replace(/\/+$/, '')
    const value = readValue(address, { type: 'address', help: '' })
    const isTls = text.startsWith('https:')
    if (value instanceof Flaw) complain(value.code, value.message)
    else if (isTls && tls.admin_tls_cert_file === undefined)
      complain('missing', `${text} needs [cinderguard] admin_tls_cert_file, to verify it by`)
    return { admin_bind: value as Address, admin_tls_cert_file: isTls ? tls.admin_tls_cert_file : undefined }
  })
  return problems.length > 0 ? { problems } : (read as unknown as Admins)
}

function extraWords({ rest }: Flags): readonly Problem[] {
  return rest.map((word) => ({
    code: 'unknown_option',
    where: 'command line',
    message: `"${word}" is not expected here`,
  }))
}

/** Writes problems, one a line, to standard error. */
export function printProblems(problems: readonly Problem[], heading: string): void {
  process.stderr.write(`${heading}\n${problems.map((problem) => `  ${describeProblem(problem)}\n`).join('')}`)
}
