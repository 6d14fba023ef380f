import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import type { CallerKind } from '../rollout/caller.ts'
import { type ReadinessReport, Report } from '../rollout/report.ts'
import { isReason, kindOf, type Sighting } from '../rollout/sighting.ts'

/**
 * Adds up files of decision records (`[cinderguard] audit_log`), oldest first; those that end in `.gz` are unpacked.
 * Lines that are no decision records are passed over.
 * @param since ISO 8601, UTC: what is older is left out
 * @throws when a file cannot be read, or has no decision record at all
 */
export async function readRecorded(files: readonly string[], since = ''): Promise<ReadinessReport> {
  const report = new Report('recorded', null)
  for (const file of files) {
    let found = false
    for await (const line of linesOf(file)) {
      const sighting = sightingIn(line)
      if (sighting === null) continue
      found = true
      if (sighting.time >= since) report.add(sighting)
    }
    if (!found) throw new Error(`${file} has no decision records: is it what [cinderguard] audit_log names?`)
  }
  return report.read()
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file)
  const input = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes
  // A stream that fails does not pass that on through pipe.
  bytes.on('error', (error) => input.destroy(error))
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
}

/** What one line says, or null when it is no decision record. */
export function sightingIn(line: string): Sighting | null {
  const event = parsed(line)
  const content = contentOf(event)
  if (event === null || content === null || typeof content.verdict !== 'string') return null
  const text = (name: string) => (typeof content[name] === 'string' ? String(content[name]) : null)
  const { reason } = content
  const caller = (text('caller') ?? 'unknown') as CallerKind
  const verdict = content.verdict === 'observed' ? ('observed' as const) : ('refused' as const)
  const address = text('client')
  const operation = text('operation') ?? 'unclassified'
  const userName = isObject(event.initiator) ? String(event.initiator.name ?? '') : ''
  const user = { userId: text('user_id') ?? '', userName }
  const known = {
    operation,
    address,
    userId: text('user_id'),
    serviceUserId: text('service_user_id'),
    serviceUser: text('service_user'),
  }
  return {
    time: timeOf(event.eventTime),
    guarded: known.userId !== null && !['other', 'unclassified', 'unread'].includes(operation),
    operation,
    userId: known.userId,
    address,
    service: content.is_service === true ? serviceOf(content.service) : null,
    trusted: caller === 'trusted-user' ? user : null,
    refusal: !isReason(reason)
      ? null
      : {
          ...known,
          verdict,
          kind: kindOf({
            reason,
            caller,
            verdict,
            status: Number(content.status),
            readable: address !== null,
          }),
          caller,
          reason,
          rule: text('rule'),
          userName: userName || null,
          projectId: text('project_id'),
          userAgent: text('user_agent')?.slice(0, 100) ?? null,
          hint: text('hint'),
        },
  }
}

type Fields = Readonly<Record<string, unknown>>

function parsed(line: string): Fields | null {
  try {
    // What rsyslog writes down begins with a time, a host and a name.
    const value: unknown = JSON.parse(line.slice(Math.max(line.indexOf('{'), 0)))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function contentOf(event: Fields | null): Fields | null {
  const attached = Array.isArray(event?.attachments) ? (event.attachments[0] as unknown) : undefined
  return isObject(attached) && isObject(attached.content) ? attached.content : null
}

/** CADF writes microseconds and no colon in the offset. */
function timeOf(text: unknown): string {
  return String(text).replace(/000\+0000$/, 'Z')
}

function serviceOf(value: unknown): Sighting['service'] {
  if (!isObject(value) || typeof value.id !== 'string') return null
  const roles = Array.isArray(value.roles) ? value.roles.map(String) : []
  return { userId: value.id, userName: String(value.name ?? ''), roles }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}
