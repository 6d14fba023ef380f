import { runChecks } from '../checking.ts'
import { type Rejection, rowOf } from '../http/rejection.ts'
import { isJudged } from '../operation/operation.ts'
import type { CadfEvent } from '../record/cadf.ts'
import { comparing, recordedBook } from './compare.ts'
import { askedBy, type Content, contentOf, identityOf, rejectionOf } from './content.ts'
import type { Explanation, Judging, Step } from './explain.ts'
import type { Eyes } from './eyes.ts'
import { StepLog } from './step-log.ts'
import { verdictStep } from './verdict.ts'
import { answerText, questionTitle, whatDetails, whoDetails } from './words.ts'

/**
 * A decision that was made: what was recorded of it, each of its facts as it is now, and the checks judged anew by
 * the policy of now. Nothing is executed.
 *
 * @param eyes who looks, or why nobody can.
 * @param digest of the policy in force.
 */
export async function explainRecord(
  event: CadfEvent,
  judging: Judging,
  eyes: Eyes | string,
  digest: string | null,
): Promise<Explanation> {
  const content = contentOf(event)
  const differences: string[] = []
  const steps: Step[] = [readStep(event, content)]
  const identity = identityOf(content)
  if (identity !== null)
    steps.push({
      stage: 'authenticate',
      title: 'Who asked',
      outcome: 'passed',
      details: whoDetails(identity),
    })
  const { asked } = content
  if (asked !== null)
    steps.push({
      stage: 'classify',
      title: 'What Cinder would do',
      outcome: 'passed',
      details: whatDetails(asked),
    })
  if (content.policy !== null && digest !== null && content.policy !== digest)
    differences.push(`The policy has changed since: ${short(content.policy)} then, ${short(digest)} now.`)

  let now: Rejection | null | undefined
  const blind = shut(content, eyes)
  const log = new StepLog(comparing(content, differences, blind === null))
  if (asked !== null && isJudged(asked) && identity !== null) {
    const operation = { ...asked, asked: askedBy(event, content) }
    const book = blind === null && typeof eyes !== 'string' ? eyes.facts() : recordedBook(content)
    const judgedNow = async () =>
      runChecks(
        log.watching(judging.checksBy, judging.policy()),
        operation,
        identity,
        log.spoken(book),
        (check, answer) => log.decided(check, answer),
      )
    now = await judgedNow().catch(() => undefined)
  }
  steps.push(...log.steps, ...unasked(content, log.steps))
  const refusal = rejectionOf(content)
  const { step, status, command } = verdictStep(
    refusal,
    content.verdict === 'observed',
    content.volume_id,
    'did',
  )
  const byWhat = blind === null ? 'judged now' : 'judged by the rules of now'
  // What was refused before or after the checks they do not judge.
  const isComparable = refusal === null || content.check !== null
  if (now !== undefined && isComparable && statusOf(now) !== statusOf(refusal))
    differences.push(`If ${byWhat} it would be ${outcomeText(now)}; then it was ${outcomeText(refusal)}.`)
  const details = {
    ...step.details,
    ...(now === undefined || !isComparable ? {} : { [byWhat]: outcomeText(now) }),
    'facts read now by': blind === null && typeof eyes !== 'string' ? eyes.who : `nobody: ${blind}`,
  }
  return {
    requestId: content.request_id,
    of: 'record',
    status,
    steps: [...steps, { ...step, details }],
    command,
    differences,
  }
}

const short = (digest: string): string => digest.slice(0, 12)

function readStep(event: CadfEvent, content: Content): Step {
  const { request_id, upstream_request_id, client, user_agent, caller } = content
  const all = {
    time: String(event.eventTime),
    'request id': request_id,
    "Cinder's request id": upstream_request_id,
    client,
    'user agent': user_agent,
    'looks like': caller,
  }
  const details = Object.fromEntries(
    Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== null),
  )
  return { stage: 'read', title: 'The request, as it was recorded', outcome: 'passed', details }
}

/** Why nobody sees. Eyes that may not see a project would take what is there for absent: they do not look. */
function shut({ user }: Content, eyes: Eyes | string): string | null {
  if (typeof eyes === 'string') return eyes
  const project = user?.scope.kind === 'project' ? user.scope.projectId : null
  if (eyes.sees(project)) return null
  return `${eyes.who} does not see project ${project ?? 'of the request'}: give the token of an admin or of that project`
}

/** Facts that were read then, and that nobody asked about now. */
function unasked({ facts }: Content, said: readonly Step[]): readonly Step[] {
  const titles = new Set(said.flatMap(({ stage, title }) => (stage === 'fact' ? [title] : [])))
  return facts
    .filter(({ question }) => !titles.has(questionTitle(question)))
    .map(({ question, answer }) => ({
      stage: 'fact',
      title: questionTitle(question),
      outcome: 'passed',
      details: { recorded: answerText(question, answer), now: 'not read' },
    }))
}

const outcomeText = (refusal: Rejection | null): string =>
  refusal === null ? 'forwarded' : `refused (${refusal.reason})`
/** The caller may have given the reason another name. */
const statusOf = (refusal: Rejection | null): number | null =>
  refusal === null ? null : rowOf(refusal.reason).status
