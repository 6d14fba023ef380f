import { type Bundle, BundleError, signBundle } from '../../organisation/bundle.ts'
import { ownFlags } from '../own-flags.ts'
import { readText } from './read-file.ts'
import { UsageError } from './usage-error.ts'
import { policyIn } from './which-policy.ts'

const DAY = 86_400
/** Ten years: an expiry beyond is none. */
const MAX_DAYS = 3650

/** `policy sign --key FILE --version N [--days 30] [--locked A,B] FILE.yaml`: a bundle on standard output. */
export async function sign(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, ['key', 'version', 'days', 'locked'] as const)
  const [file, ...more] = rest
  if (
    file === undefined ||
    more.length > 0 ||
    values.key === undefined ||
    !/^[0-9]+$/.test(values.version ?? '')
  )
    throw new UsageError('policy sign --key FILE --version N [--days 30] [--locked RULE,RULE] FILE.yaml')
  const days = Number(values.days ?? '30')
  if (!(days > 0 && days <= MAX_DAYS)) throw new UsageError(`--days is a number above 0, up to ${MAX_DAYS}`)
  const version = Number(values.version)
  if (!Number.isSafeInteger(version)) throw new UsageError(`--version is at most ${Number.MAX_SAFE_INTEGER}`)
  const rules = policyIn(file)
  const written = rules.names().flatMap((name): [string, string][] => {
    const source = rules.source(name)
    if (source?.from !== 'file' || source.as !== undefined) return []
    if (typeof source.check !== 'string')
      throw new UsageError(`rule "${name}" is in the old form of lists; write it as a string`)
    return [[name, source.check]]
  })
  if (written.length === 0) throw new UsageError(`${file} has no rule: there is nothing to sign`)
  const now = Math.floor(Date.now() / 1000)
  const locked = (values.locked ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const unknown = locked.find((name) => !written.some(([each]) => each === name))
  if (unknown !== undefined)
    throw new UsageError(`--locked names "${unknown}", which ${file} does not define`)
  const bundle: Bundle = {
    version,
    issuedAt: now,
    expiresAt: now + Math.round(days * DAY),
    rules: Object.fromEntries(written),
    locked,
  }
  try {
    process.stdout.write(`${await signBundle(bundle, readText(values.key))}\n`)
    return 0
  } catch (error) {
    if (error instanceof BundleError) throw new UsageError(error.message)
    throw error
  }
}
