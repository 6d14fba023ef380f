import { cell, keepGenerated } from '../generated.ts'
import { REASONS, type Reason, rowOf } from './rejection.ts'

/** Where the reference is, from the root of the project. */
export const REFERENCE = 'docs/reasons.md'

const STYLES = {
  cinder: "Cinder's API",
  webob: "a filter of Cinder's",
  keystone: 'keystonemiddleware',
} as const

/** The reference of all reasons for which a request is refused, in Markdown. */
export function renderReasons(): string {
  const reasons = Object.keys(REASONS) as Reason[]
  const lines = [
    '# Reasons',
    '',
    '<!-- made from src/http/rejection.ts by `node src/http/reasons-reference.ts --write` -->',
    '',
    'Every refusal of the gateway has one of these reasons: the label `reason` in metrics, the field in decision records,',
    'in `cinderguard explain` and in the report, and a name for `mode_overrides` (except `service_token_missing` and',
    '`service_role_missing`, since any client can look like a service: the mode of the underlying reason, such as',
    '`attachment_in_use`, applies to these). The client sees the status and the message, as a fixed Cinder would write',
    'them; `{slots}` are filled in.',
    '',
    '| reason | status | meaning |',
    '| --- | --- | --- |',
    ...reasons.map((reason) => {
      const { status, help } = rowOf(reason)
      return `| [\`${reason}\`](#${reason}) | ${status} | ${cell(help)} |`
    }),
    '',
    '## What the client sees',
    ...reasons.flatMap((reason) => ['', ...answerOf(reason)]),
  ]
  return `${lines.join('\n')}\n`
}

function answerOf(reason: Reason): readonly string[] {
  const { status, style, fault, message, retryAfter } = rowOf(reason)
  const again = retryAfter === undefined ? '' : `, with \`Retry-After: ${retryAfter}\``
  const text = message === '' ? [] : ['', ...message.split('\n\n').map((line) => `    ${line}`)]
  return [`### ${reason}`, '', `${status} \`${fault}\`, in the form of ${STYLES[style]}${again}.`, ...text]
}

if (import.meta.main) keepGenerated(REFERENCE, renderReasons(), 'src/http/reasons-reference.ts')
