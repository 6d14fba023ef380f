import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { CadfEvent } from '../record/cadf.ts'
import type { ReadinessReport } from '../rollout/report.ts'

/** What a worker knows at one moment. */
export interface Snapshot {
  readonly metrics: readonly MetricObjectWithValues<MetricValue<string>>[]
  readonly report: ReadinessReport
  readonly policy: PolicyState
}

/** Which policy a worker decides by, and what keeps a newer one out. */
export interface PolicyState {
  readonly version: number | null
  readonly digest: string
  readonly problem: string | null
}

/** What a worker says. */
export type FromWorker =
  | { readonly say: 'listening'; readonly url: string }
  | { readonly say: 'failed'; readonly problem: string }
  | { readonly say: 'decision'; readonly event: CadfEvent }
  | { readonly say: 'snapshot'; readonly id: number; readonly snapshot: Snapshot }
  /** Wants the turn of a volume; it has it when `granted` comes. */
  | { readonly say: 'take'; readonly id: number; readonly volumeId: string }
  | { readonly say: 'end'; readonly id: number }

/** What it is told. */
export type ToWorker =
  | { readonly say: 'snapshot'; readonly id: number }
  | { readonly say: 'granted'; readonly id: number }
  | { readonly say: 'reopen' }
  /** The primary has another policy: look at what it keeps. */
  | { readonly say: 'policy' }
