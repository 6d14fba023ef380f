import { dateOf } from './words.js'

/** Fields in which text is looked for. */
const SEARCHED = [
  ...[
    'request_id',
    'upstream_request_id',
    'volume_id',
    'attachment_id',
    'server_id',
    'project_id',
    'user_id',
  ],
  ...['operation', 'reason', 'rule', 'problem', 'client', 'user_agent', 'service_user_id'],
]

/** A decision record (a CADF event), as the page looks at it. */
export function read(event) {
  const content = event.attachments?.[0]?.content ?? {}
  const initiator = event.initiator ?? {}
  return {
    id: String(event.id),
    requestId: String(content.request_id ?? initiator.request_id ?? ''),
    time: dateOf(event.eventTime),
    verdict: String(content.verdict ?? ''),
    operation: String(content.operation ?? ''),
    reason: content.reason ?? null,
    status: content.status ?? null,
    wouldBe: content.would_be_status ?? null,
    user: initiator.name ?? initiator.id ?? 'unknown',
    target: content.volume_id ?? content.attachment_id ?? null,
    initiator,
    content,
    text: SEARCHED.map((field) => content[field])
      .concat(initiator.name, content.service?.name)
      .join(' ')
      .toLowerCase(),
  }
}

/** Newest first; those with the same id once. */
export function merged(decisions, more, room) {
  const known = new Map(decisions.map((each) => [each.id, each]))
  for (const each of more) if (!known.has(each.id)) known.set(each.id, each)
  return [...known.values()].sort((a, b) => (b.time ?? 0) - (a.time ?? 0)).slice(0, room)
}
