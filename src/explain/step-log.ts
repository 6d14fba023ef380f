import type { FactBook } from '../checking.ts'
import type { Answer, Check, Question } from '../checks/check.ts'
import type { PolicyRules } from '../checks/policy.ts'
import { isRejection, type Rejection } from '../http/rejection.ts'
import { type Trace, trace } from '../policy/trace.ts'
import type { Step } from './explain.ts'
import { answerText, CHECK_TITLES, questionTitle } from './words.ts'

/** A rule that a check judged, and by what. */
interface Judged {
  readonly rule: string
  readonly allowed: boolean
  readonly credentials: Record<string, unknown>
  readonly target: Record<string, unknown>
}

/** What was recorded of facts, for decisions that are judged again. */
export interface Recorded {
  /** In one line; null where nothing was recorded of it. */
  of(question: Question): string | null
  /** A fact of now beside it. */
  compare(question: Question, answer: unknown): Pick<Step, 'outcome' | 'details'>
}

/** Collects what happens while a request is judged, as steps. */
export class StepLog {
  readonly steps: Step[] = []
  readonly #recorded: Recorded | null
  #judged = new Map<string, Map<string, Judged>>()
  #asking = ''
  /** Checks that have asked for a fact; the others had nothing to decide. */
  readonly #looked = new Set<string>()
  #isService = false
  #rules: PolicyRules | null = null

  constructor(recorded: Recorded | null = null) {
    this.#recorded = recorded
  }

  /** What a stage came to. */
  stage<T extends object>(
    stage: Step['stage'],
    title: string,
    value: T | Rejection | null,
    details: (value: T) => Step['details'],
  ): void {
    if (value === null) {
      const note = 'Cinder serves this without a token'
      this.steps.push({ stage, title, outcome: 'passed', details: { note } })
    } else if (isRejection(value)) this.#refused(stage, title, value)
    else this.steps.push({ stage, title, outcome: 'passed', details: details(value) })
  }

  /** The checks, by a policy that is watched, each known by its name while it decides. */
  watching(checksBy: (policy: PolicyRules) => readonly Check[], rules: PolicyRules): readonly Check[] {
    this.#rules = rules
    const said = (judged: Judged): void => {
      const ofCheck = this.#judged.get(this.#asking) ?? new Map<string, Judged>()
      this.#judged.set(this.#asking, ofCheck.set(`${judged.rule} ${String(judged.target.id)}`, judged))
    }
    return checksBy(watched(rules, said)).map((check) => ({
      name: check.name,
      decide: (operation, identity, known) => {
        this.#asking = check.name
        this.#isService = identity.isService
        return check.decide(operation, identity, {
          get: (question) => {
            this.#looked.add(check.name)
            return known.get(question)
          },
        })
      },
    }))
  }

  decided({ name }: Check, answer: Answer): void {
    const rules = [...(this.#judged.get(name)?.values() ?? [])]
    for (const judged of rules) this.#rule(judged)
    this.#judged.delete(name)
    const title = CHECK_TITLES[name] ?? name
    if (isRejection(answer)) this.#refused('check', title, answer)
    else if (this.#looked.has(name) || rules.length > 0)
      this.steps.push({ stage: 'check', title, outcome: 'passed', details: {} })
    else if (name === 'detach' && this.#isService) {
      const details = { note: 'A service asks, and may: nothing had to be known.' }
      this.steps.push({ stage: 'check', title, outcome: 'passed', details })
    }
  }

  /** The same facts, said as they come in. */
  spoken(book: FactBook): FactBook {
    return {
      get: (question) => book.get(question),
      forget: () => book.forget(),
      gather: async (questions) => {
        await book.gather(questions).catch((fault: unknown) => {
          const problem = fault instanceof Error ? fault.message : 'failed'
          for (const question of questions) this.#unread(question, problem)
          throw fault
        })
        for (const question of questions) {
          const answer = book.get(question)
          const plain = { outcome: 'passed', details: { answer: answerText(question, answer) } } as const
          const found = this.#recorded?.compare(question, answer) ?? plain
          this.steps.push({ stage: 'fact', title: questionTitle(question), ...found })
        }
      },
    }
  }

  #unread(question: Question, problem: string): void {
    const recorded = this.#recorded?.of(question) ?? null
    const details = { ...(recorded === null ? {} : { recorded }), 'could not be read': problem }
    this.steps.push({ stage: 'fact', title: questionTitle(question), outcome: 'failed', details })
  }

  #refused(stage: Step['stage'], title: string, rejection: Rejection): void {
    const { reason, detail } = rejection
    this.steps.push({ stage, title, outcome: 'refused', details: { reason, ...detail } })
  }

  #rule({ rule, allowed, credentials, target }: Judged): void {
    const rules = this.#rules
    const source = rules?.source(rule)
    const written = typeof source?.check === 'string' ? source.check : JSON.stringify(source?.check)
    const from =
      source === undefined ? {} : { rule: written, 'written by': LAYERS[source.layer ?? source.from] }
    this.steps.push({
      stage: 'rule',
      title: `Policy rule ${rule}`,
      outcome: allowed ? 'passed' : 'refused',
      details: from as Step['details'],
      ...this.#traceOf(rule, credentials, target),
    })
  }

  #traceOf(rule: string, credentials: Judged['credentials'], target: Judged['target']): { trace?: Trace } {
    const named = (name: string) => this.#rules?.rule(name)
    const tree = named(rule)
    return tree === undefined ? {} : { trace: trace(tree, named, credentials, target) }
  }
}

const LAYERS: Readonly<Record<string, string>> = {
  default: "Cinder's default",
  bundle: "the organisation's policy",
  local: 'a policy file here',
  file: 'a policy file here',
}

/** The same rules, which say each judgement. `context_is_admin` makes credentials, and decides nothing itself. */
function watched(rules: PolicyRules, said: (judged: Judged) => void): PolicyRules {
  const note = (
    rule: string,
    credentials: Judged['credentials'],
    target: Judged['target'],
    allowed: boolean,
  ) => {
    if (rule !== 'context_is_admin') said({ rule, credentials, target, allowed })
    return allowed
  }
  return {
    ...rules,
    allows: (rule, credentials, target) =>
      note(rule, credentials, target, rules.allows(rule, credentials, target)),
    // That it cannot be told yet is no judgement.
    allowsAnyway: (rule, credentials, target) =>
      rules.allowsAnyway(rule, credentials, target) && note(rule, credentials, target, true),
    decide: (rule, credentials, target, remote) => {
      const verdict = rules.decide(rule, credentials, target, remote)
      return typeof verdict === 'boolean' ? note(rule, credentials, target, verdict) : verdict
    },
  }
}
