import type { Rejection } from '../http/rejection.ts'
import type { Identity } from '../identity/identity.ts'
import type { JudgedOperation, ObjectCollection } from '../operation/operation.ts'

/** A volume as the upstream Cinder shows it to the caller. */
export interface Volume {
  /** As Cinder spells it. */
  readonly id: string
  /** Null where Cinder does not show `os-vol-tenant-attr:tenant_id` to the caller. */
  readonly projectId: string | null
  readonly userId: string | null
  readonly status: string
  /** Null when none, or when not shown to the caller (only admins see it). */
  readonly migrationStatus: string | null
  /** All fields of the view, for policy rules that read others. */
  readonly view: Readonly<Record<string, unknown>>
}

/** One row of a volume's attachments, any status. */
export interface Attachment {
  readonly id: string
  readonly volumeId: string
  /** Nova's server, as whoever made the attachment spelt it; null when there is none. */
  readonly serverId: string | null
  readonly status: string
  /** Connection info is there and not empty: Cinder's truth test on it. */
  readonly connected: boolean
}

/** What can be asked of the clouds, and what each answer is. */
export interface Facts {
  volume: { question: { volumeId: string }; answer: Volume | 'absent' | 'not-authorized' }
  /** `unknown`: this Cinder cannot list them all (before microversion 3.27). */
  attachments: { question: { volumeId: string }; answer: readonly Attachment[] | 'unknown' }
  /** `view`: what Cinder shows, as far as rules may read it. `hidden`: of a volume that the caller is not shown. */
  attachment: {
    question: { attachmentId: string }
    answer: { id: string; volumeId: string; view?: Readonly<Record<string, unknown>> } | 'absent' | 'hidden'
  }
  /** Any other object, as far as rules read it; `hidden` when Cinder refuses to show it to the caller. */
  object: {
    question: { collection: ObjectCollection; id: string }
    answer: Readonly<Record<string, unknown>> | 'absent' | 'hidden'
  }
  /** Whether another server allows what a policy rule asks it (oslo.policy's http: and https: checks). */
  remote: {
    question: {
      url: string
      rule: string
      credentials: Readonly<Record<string, unknown>>
      target: Readonly<Record<string, unknown>>
    }
    answer: boolean
  }
  /** Nova's view of a volume on a server; attachmentId is null when this Nova cannot tell. */
  serverVolume: {
    question: { serverId: string; volumeId: string }
    answer: { attachmentId: string | null; comparable: boolean } | 'absent' | 'forbidden' | 'unauthorized'
  }
}
export type Fact = keyof Facts

/** One question: the fact's name and its arguments. */
export type Question = { [F in Fact]: { readonly fact: F } & Readonly<Facts[F]['question']> }[Fact]

/** Facts gathered so far; `undefined` means not asked yet. */
export interface Known {
  get<F extends Fact>(question: Extract<Question, { fact: F }>): Facts[F]['answer'] | undefined
}

/** A check answers, or names what it must know first. It never waits. */
export type Answer = Allow | Rejection | Ask
export interface Allow {
  readonly verdict: 'allow'
  /** Policy rules that were judged, and allowed. */
  readonly rules?: readonly string[]
}
export interface Ask {
  readonly verdict: 'ask'
  readonly questions: readonly [Question, ...Question[]]
}

export const ALLOW = { verdict: 'allow' } as const

export function allowedBy(rules: readonly string[]): Allow {
  return { verdict: 'allow', rules }
}

export function ask(...questions: [Question, ...Question[]]): Ask {
  return { verdict: 'ask', questions }
}

export interface Check {
  readonly name: string
  decide(operation: JudgedOperation, identity: Identity, known: Known): Answer
}

/** One string per question; facts are remembered and joined by it. */
export function keyOf(question: Question): string {
  return JSON.stringify(question)
}
