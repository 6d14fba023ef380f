import type { CadfEvent } from '../record/cadf.ts'
import { type Described, type Explanation, explain, type Judging } from './explain.ts'
import { type EyesSources, openEyes } from './eyes.ts'
import { explainRecord } from './recorded.ts'

/** Explanations by one gateway. */
export interface Explaining {
  /** What would be done with a request, and why. */
  request(described: Described): Promise<Explanation>
  /** Why a decision was made, and what its facts are now. @param token whose eyes; else those of the gateway's account. */
  record(event: CadfEvent, token: string | undefined): Promise<Explanation>
}

export function explaining(
  judging: Judging,
  sources: Omit<EyesSources, 'policy'>,
  digest: () => string | null,
): Explaining {
  return {
    request: (described) => explain(described, judging),
    async record(event, token) {
      const eyes = await openEyes(token, { ...sources, policy: judging.policy })
      return explainRecord(event, judging, eyes, digest())
    },
  }
}
