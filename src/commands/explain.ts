import { readFileSync } from 'node:fs'
import { createApp } from '../app.ts'
import type { Config } from '../config/options.ts'
import type { Described, Explanation } from '../explain/explain.ts'
import { explanationText } from '../explain/text.ts'
import { problemOf } from '../file-problem.ts'
import { LiveSettings } from '../live-settings.ts'
import { startPolicy } from '../organisation/live.ts'
import { createLogger } from '../record/log.ts'
import { createMetrics } from '../record/metrics.ts'
import { Turns } from '../turns.ts'
import { versionOf } from '../version.ts'
import { askAdmin } from './ask-admin.ts'
import { adminsOf, configurationOf, printProblems } from './configuration.ts'
import { formatOf, ownFlags } from './own-flags.ts'
import { printed } from './printed.ts'
import { COMMANDS } from './table.ts'
import { usageOf } from './usage.ts'

const FLAGS = ['request', 'body', 'microversion', 'token-file', 'service-token-file', 'format'] as const
type Flags = Readonly<Partial<Record<(typeof FLAGS)[number], string>>>
const BOTH = 'takes either a REQUEST-ID or --request, not both'

/** `cinderguard explain`: a decision of the running gateway by its request id, or a described request, judged now. */
export async function explainCommand(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, FLAGS)
  const format = formatOf(values.format)
  const requestId = rest.find((word) => /^req-/.test(word))
  if (format === undefined || (values.request === undefined) === (requestId === undefined)) {
    const problem = requestId === undefined ? 'needs a REQUEST-ID (req-...) or --request' : BOTH
    process.stderr.write(`cinderguard explain ${problem}\n\n${usageOf(['explain'], COMMANDS.explain)}`)
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
      format === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : printed(explanationText(explanation))
    process.stdout.write(text)
    return explanation.status === null ? 0 : 1
  } catch (error) {
    process.stderr.write(`cinderguard explain: ${problemOf(error, 'failed')}\n`)
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
    printProblems(admins.problems, 'Cannot determine where the gateway is:')
    return null
  }
  const path = `/api/v1/decisions/${encodeURIComponent(requestId)}/explanation`
  return (await askAdmin(admins[0], path, token)) as Explanation
}

/** Null when the command line or the configuration is wrong, which is printed. */
async function judged(rest: readonly string[], flags: Flags): Promise<Explanation | null> {
  const loaded = configurationOf(rest, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'The configuration is invalid:')
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
  const nothing = { record: () => undefined, reopen: () => undefined, close: async () => undefined }
  const app = await createApp(
    // No request was made that a trace could tell of.
    { ...config, cinderguard: { ...config.cinderguard, traces_url: undefined } },
    policy,
    createMetrics(versionOf()),
    createLogger('error'),
    nothing,
    new LiveSettings(config, policy),
    new Turns(),
  )
  try {
    return await app.explaining.request(described)
  } finally {
    policy.stop()
    await app.close()
  }
}
