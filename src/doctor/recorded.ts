import { readFileSync } from 'node:fs'
import { REASONS, type Reason } from '../http/rejection.ts'
import type { ReadinessReport, ReportRow, SeenService } from '../rollout/report.ts'

/** What of a decision record the doctor reads. */
interface Recorded {
  readonly eventTime: string
  readonly content: Readonly<Record<string, unknown>>
}

/** Adds up a file of decision records (`[cinderguard] audit_log`). Lines that are none are passed over. @throws when it cannot be read. */
export function readTraffic(file: string): ReadinessReport {
  const records = readFileSync(file, 'utf8').split('\n').flatMap(parse)
  const rows = new Map<string, { -readonly [K in keyof ReportRow]: ReportRow[K] }>()
  const services = new Map<string, { -readonly [K in keyof SeenService]: SeenService[K] }>()
  for (const { eventTime, content } of records) {
    const service = content.service as { id: string; name: string; roles: string[] } | null | undefined
    if (content.is_service === true && service !== null && service !== undefined) {
      const known = services.get(service.id)
      const { id: userId, name: userName, roles } = service
      services.set(userId, {
        userId,
        userName,
        roles,
        count: (known?.count ?? 0) + 1,
        last: eventTime,
        addresses: [],
      })
    }
    if (typeof content.reason !== 'string' || !Object.hasOwn(REASONS, content.reason)) continue
    const key = JSON.stringify([
      content.reason,
      content.operation,
      content.user_id,
      content.client,
      content.user_agent,
    ])
    const known = rows.get(key)
    if (known !== undefined) {
      known.count += 1
      known.last = eventTime
    } else rows.set(key, rowOf(content, content.reason as Reason, eventTime))
  }
  return {
    mode: 'recorded',
    since: records[0]?.eventTime ?? '',
    guarded: records.length,
    ready: false,
    advice: '',
    rows: [...rows.values()],
    services: [...services.values()],
    others: 0,
  }
}

function parse(line: string): readonly Recorded[] {
  try {
    const event = JSON.parse(line) as { eventTime: string; attachments: { content: Recorded['content'] }[] }
    const content = event.attachments[0]?.content
    return content === undefined ? [] : [{ eventTime: event.eventTime, content }]
  } catch {
    return []
  }
}

function rowOf(content: Recorded['content'], reason: Reason, time: string): ReportRow {
  const text = (name: string): string | null =>
    typeof content[name] === 'string' ? String(content[name]) : null
  return {
    verdict: content.verdict === 'observed' ? 'observed' : 'refused',
    caller: (text('caller') ?? 'unknown') as ReportRow['caller'],
    operation: text('operation') ?? 'unclassified',
    reason,
    rule: text('rule'),
    userId: text('user_id'),
    userName: null,
    projectId: text('project_id'),
    address: text('client'),
    userAgent: text('user_agent'),
    count: 1,
    first: time,
    last: time,
    hint: text('hint'),
    blocks: false,
  }
}
