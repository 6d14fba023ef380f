import { readFileSync } from 'node:fs'
import { createApp } from '../app.ts'
import type { Config } from '../config/options.ts'
import type { Described, Explanation } from '../explain/explain.ts'
import { explanationText } from '../explain/text.ts'
import { startPolicy } from '../organisation/live.ts'
import { createLogger } from '../record/log.ts'
import { createMetrics } from '../record/metrics.ts'
import { readModes } from '../rollout/mode.ts'
import { Turns } from '../turns.ts'
import { versionOf } from '../version.ts'
import { askAdmin } from './ask-admin.ts'
import { adminsOf, configurationOf, printProblems } from './configuration.ts'
import { formatOf, ownFlags } from './own-flags.ts'

const USAGE = `cinderguard explain: why a request was or would be answered as it was. Never executes it.
  cinderguard explain REQUEST-ID [--token-file FILE]      a decision that the running gateway made, by the id of the
                      request or of Cinder's answer: what was recorded, and each fact read anew (without a token
                      through the eyes of the gateway's own account)
  cinderguard explain --request 'METHOD /v3/...' [--body JSON] [--microversion 3.44]
                      [--token-file FILE] [--service-token-file FILE]      a request, judged now
The token (--token-file FILE, or the environment variable OS_TOKEN) is yours: facts are read through its eyes, and a
--request is judged as sent with it. Asking the running gateway takes it where admin_bind is not a loopback address.
--format json for programs.
Exit codes: 0 forwarded, 1 refused, not found or not to be had, 2 wrong command line or configuration.
`
const FLAGS = ['request', 'body', 'microversion', 'token-file', 'service-token-file', 'format'] as const
type Flags = Readonly<Partial<Record<(typeof FLAGS)[number], string>>>

/** `cinderguard explain`: a decision of the running gateway by its request id, or a described request, judged now. */
export async function explainCommand(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, FLAGS)
  const format = formatOf(values.format)
  const requestId = rest.find((word) => /^req-/.test(word))
  if (format === undefined || (values.request === undefined) === (requestId === undefined)) {
    process.stderr.write(USAGE)
    return 2
  }
  const others = rest.filter((word) => word !== requestId)
  try {
    const explanation =
      requestId === undefined
        ? await judged(others, values)
        : await recorded(others, requestId, tokenOf(values))
    if (explanation === null) return 2
    const text =
      format === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation)
    process.stdout.write(text)
    return explanation.status === null ? 0 : 1
  } catch (error) {
    process.stderr.write(`cinderguard explain: ${error instanceof Error ? error.message : 'failed'}\n`)
    return 1
  }
}

/** Of the configuration nothing is needed but where the gateway is. Null when that is wrong, which is printed. */
async function recorded(
  rest: readonly string[],
  requestId: string,
  token: string | undefined,
): Promise<Explanation | null> {
  const admins = adminsOf([], rest, process.env)
  if ('problems' in admins) {
    printProblems(admins.problems, 'Where the gateway is cannot be told:')
    return null
  }
  const path = `/api/v1/decisions/${encodeURIComponent(requestId)}/explanation`
  return (await askAdmin(admins[0], path, token)) as Explanation
}

/** Null when the command line or the configuration is wrong, which is printed. */
async function judged(rest: readonly string[], flags: Flags): Promise<Explanation | null> {
  const loaded = configurationOf(rest, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'The configuration is wrong:')
    return null
  }
  const described = describe(flags, tokenOf(flags))
  if (typeof described !== 'string') return judgedNow(loaded.config, described)
  process.stderr.write(`cinderguard explain: ${described}\n`)
  return null
}

/** The request, or what is wrong with its description. */
function describe(flags: Flags, token: string | undefined): Described | string {
  const [, method, target] = /^([A-Z]+) (\S+)$/.exec(flags.request ?? '') ?? []
  if (method === undefined || target === undefined)
    return '--request is METHOD and path, such as "DELETE /v3/attachments/ID"'
  const service = flags['service-token-file']
  return {
    method,
    target,
    body: flags.body ?? '',
    headers: {
      ...(token === undefined ? {} : { 'X-Auth-Token': token }),
      ...(service === undefined ? {} : { 'X-Service-Token': tokenIn(service) }),
      ...(flags.microversion === undefined
        ? {}
        : { 'OpenStack-API-Version': `volume ${flags.microversion}` }),
      ...(flags.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
  }
}

function tokenOf(flags: Flags): string | undefined {
  const file = flags['token-file']
  return file === undefined ? process.env.OS_TOKEN : tokenIn(file)
}

function tokenIn(file: string): string {
  return readFileSync(file, 'utf8').trim()
}

async function judgedNow(config: Config, described: Described): Promise<Explanation> {
  const policy = await startPolicy(config, { loaded: () => undefined, refused: () => undefined }, 'looks')
  if ('problems' in policy) throw new Error(policy.problems.join('; '))
  const { mode, mode_overrides } = config.cinderguard
  const modes = readModes(mode, mode_overrides, (name) => policy.current().has(name))
  if ('problems' in modes) throw new Error(modes.problems.join('; '))
  const nothing = { record: () => undefined, reopen: () => undefined, close: async () => undefined }
  const app = await createApp(
    // No request was made that a trace could tell of.
    { ...config, cinderguard: { ...config.cinderguard, traces_url: undefined } },
    policy,
    createMetrics(versionOf()),
    createLogger('error'),
    nothing,
    modes,
    new Turns(),
  )
  try {
    return await app.explaining.request(described)
  } finally {
    policy.stop()
    await app.close()
  }
}
