import { randomUUID } from 'node:crypto'
import { type AuditResult, auditAttachments } from '../attachments/audit.ts'
import { cinderFacts } from '../clouds/cinder.ts'
import { createClients } from '../clouds/clients.ts'
import { keystoneValidator } from '../clouds/keystone.ts'
import { computeEndpoint, serversWithVolumes, serverVolume } from '../clouds/nova.ts'
import { createSession, identityUrlOf } from '../clouds/session.ts'
import { cinderDocument, discoverVersions, novaDocument, versionKeeper } from '../clouds/versions.ts'
import type { Credentials } from '../config/credentials.ts'
import type { Config } from '../config/options.ts'
import { Secret } from '../config/secret.ts'
import { problemOf } from '../file-problem.ts'
import { projectOf } from '../identity/identity.ts'
import { clientAccount } from './client-account.ts'
import { configurationOf, printProblems } from './configuration.ts'
import { formatOf, ownFlags } from './own-flags.ts'
import { printed } from './printed.ts'
import { COMMANDS } from './table.ts'
import { usageOf } from './usage.ts'

/** `cinderguard attachments audit`. */
export async function attachments(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, ['format'])
  const [word, ...others] = rest
  const format = formatOf(values.format)
  if (word !== 'audit' || format === undefined) {
    process.stderr.write(usageOf(['attachments', 'audit'], COMMANDS.attachments.commands.audit))
    return 2
  }
  const loaded = configurationOf(others, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'The configuration is invalid:')
    return 2
  }
  const { OS_TOKEN } = process.env
  const account = clientAccount(process.env, loaded.config.credentials.keystone_authtoken.authUrl)
  if (account !== null && 'problems' in account) {
    process.stderr.write(`cinderguard attachments audit: ${account.problems.join('; ')}\n`)
    return 2
  }
  if (account === null && OS_TOKEN === undefined) {
    process.stderr.write(
      `Set OS_USERNAME and OS_PASSWORD, or OS_TOKEN.\n${usageOf(['attachments', 'audit'], COMMANDS.attachments.commands.audit)}`,
    )
    return 2
  }
  try {
    const result = await audit(loaded.config, account ?? new Secret(OS_TOKEN ?? ''))
    process.stdout.write(
      format === 'json' ? `${JSON.stringify(result, null, 2)}\n` : printed(auditText(result)),
    )
    return result.disagreements.length === 0 ? 0 : 1
  } catch (error) {
    process.stderr.write(`cinderguard attachments audit: ${problemOf(error, 'failed')}\n`)
    return 1
  }
}

async function audit(config: Config, who: Credentials | Secret): Promise<AuditResult> {
  const clients = createClients(config, { call: () => undefined, breaker: () => undefined })
  const { keystone, cinder, nova } = clients
  try {
    const account = config.credentials.keystone_authtoken
    const session = createSession(keystone.send, account, Date.now)
    const validator = keystoneValidator(keystone.send, identityUrlOf(account.authUrl), session)
    const token =
      who instanceof Secret ? who : (await createSession(keystone.send, who, Date.now).get()).token
    const user = await validator.validate(token, false, `req-${randomUUID()}`)
    if (user === 'invalid') throw new Error('the token is not valid')
    const projectId = projectOf(user)
    const headers = { 'x-auth-token': token.reveal() }
    const base = new URL(config.cinderguard.upstream).origin + config.cinderguard.public_prefix
    const newest = async () => (await discoverVersions(cinderDocument(cinder.send, base))).maximum
    const facts = cinderFacts(cinder.send, base, newest, config.DEFAULT.osapi_max_limit)
    const endpoint = await computeEndpoint(config, session, projectId)
    const versions = versionKeeper(novaDocument(nova.send, config, session), Date.now)
    const isAdmin = user.roles.includes('admin')
    const caller = { headers, projectId, isAdmin }
    return await auditAttachments({
      seesAll: isAdmin,
      attachments: () => facts.allAttachments(caller),
      attachmentsOf: (volumeId) => facts.attachments(volumeId, caller),
      serverVolume: (question) => serverVolume(nova.send, endpoint, versions.get, question, headers),
      servers: () => serversWithVolumes(nova.send, endpoint, headers, isAdmin),
    })
  } finally {
    await clients.close()
  }
}

/** The result as a person reads it. */
export function auditText({ records, asked, servers, disagreements }: AuditResult): string {
  const head = `${records} attachment records, ${asked} of them connected to a server; ${servers} servers. Cinder and Nova disagree on ${disagreements.length}.\n`
  return disagreements.reduce((text, { attachment, volumeId, what, commands }) => {
    const of = attachment === null ? 'No attachment' : `Attachment ${attachment.id} (${attachment.status})`
    const lines = [`\n${of}, volume ${volumeId}`, `  ${what}`]
    return `${text}${[...lines, ...commands.map((command) => `      ${command}`)].join('\n')}\n`
  }, head)
}
