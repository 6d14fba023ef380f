import { randomUUID } from 'node:crypto'
import { type AuditResult, auditAttachments } from '../attachments/audit.ts'
import { cinderFacts } from '../clouds/cinder.ts'
import { createClients } from '../clouds/clients.ts'
import { keystoneValidator } from '../clouds/keystone.ts'
import { computeEndpoint, serverVolume } from '../clouds/nova.ts'
import { createSession, identityUrlOf } from '../clouds/session.ts'
import { cinderDocument, discoverVersions, novaDocument, versionKeeper } from '../clouds/versions.ts'
import type { Config } from '../config/options.ts'
import { Secret } from '../config/secret.ts'
import { projectOf } from '../identity/identity.ts'
import { configurationOf, printProblems } from './configuration.ts'
import { formatOf, ownFlags } from './own-flags.ts'

const USAGE = `cinderguard attachments audit: attachment records that Nova does not know, or knows under another id. Reads only.
The token in OS_TOKEN says whose: a user's project, or all of them for an admin. --format json for programs.
Exit codes: 0 all agree, 1 some do not or could not be asked, 2 wrong command line or configuration.
`

/** `cinderguard attachments audit`. */
export async function attachments(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, ['format'])
  const [word, ...others] = rest
  const format = formatOf(values.format)
  const token = process.env.OS_TOKEN
  if (word !== 'audit' || format === undefined || token === undefined) {
    process.stderr.write(token === undefined && word === 'audit' ? `OS_TOKEN is not set.\n${USAGE}` : USAGE)
    return 2
  }
  const loaded = configurationOf(others, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'The configuration is wrong:')
    return 2
  }
  try {
    const result = await audit(loaded.config, new Secret(token))
    process.stdout.write(format === 'json' ? `${JSON.stringify(result, null, 2)}\n` : auditText(result))
    return result.disagreements.length === 0 ? 0 : 1
  } catch (error) {
    process.stderr.write(
      `cinderguard attachments audit: ${error instanceof Error ? error.message : 'failed'}\n`,
    )
    return 1
  }
}

async function audit(config: Config, token: Secret): Promise<AuditResult> {
  const clients = createClients(config, { call: () => undefined, breaker: () => undefined })
  const { keystone, cinder, nova } = clients
  try {
    const account = config.credentials.keystone_authtoken
    const session = createSession(keystone.send, account, Date.now)
    const validator = keystoneValidator(keystone.send, identityUrlOf(account.authUrl), session)
    const user = await validator.validate(token, false, `req-${randomUUID()}`)
    if (user === 'invalid') throw new Error('the token in OS_TOKEN is not valid')
    const projectId = projectOf(user)
    const headers = { 'x-auth-token': token.reveal() }
    const base = new URL(config.cinderguard.upstream).origin + config.cinderguard.public_prefix
    const newest = async () => (await discoverVersions(cinderDocument(cinder.send, base))).maximum
    const facts = cinderFacts(cinder.send, base, newest, config.DEFAULT.osapi_max_limit)
    const endpoint = await computeEndpoint(config, session, projectId)
    const versions = versionKeeper(novaDocument(nova.send, config, session), Date.now)
    const isAdmin = user.roles.includes('admin')
    return await auditAttachments({
      seesAll: isAdmin,
      attachments: () => facts.allAttachments({ headers, projectId, isAdmin }),
      serverVolume: (question) => serverVolume(nova.send, endpoint, versions.get, question, headers),
    })
  } finally {
    await Promise.all(Object.values(clients).map((client) => client.close()))
  }
}

/** The result as a person reads it. */
export function auditText({ records, asked, disagreements }: AuditResult): string {
  const head = `${records} attachment records, ${asked} of them connected to a server; Nova disagrees on ${disagreements.length}.\n`
  return disagreements.reduce((text, { attachment, what, commands }) => {
    const lines = [
      `\nAttachment ${attachment.id} (${attachment.status}), volume ${attachment.volumeId}`,
      `  ${what}`,
    ]
    return `${text}${[...lines, ...commands.map((command) => `      ${command}`)].join('\n')}\n`
  }, head)
}
