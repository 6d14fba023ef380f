import { originText } from './origin.ts'
import type { RuleSet } from './ruleset.ts'
import type { Values } from './template.ts'
import { type Trace, trace } from './trace.ts'

/** A rule that was judged, check by check. */
export interface Witnessed {
  readonly rule: string
  readonly tree: Trace
}

/** Looks on while rules are judged, for whoever explains a request; each rule's last judgement counts. */
export class Witness {
  readonly #seen = new Map<
    string,
    { readonly rules: RuleSet; readonly credentials: Values; readonly target: Values }
  >()

  /** The same rules, but seen. */
  of(rules: RuleSet): RuleSet {
    return {
      ...rules,
      decide: (name, credentials, target, remote) => {
        this.#seen.set(name, { rules, credentials, target })
        return rules.decide(name, credentials, target, remote)
      },
    }
  }

  /** In the order in which they were first judged. */
  judged(): readonly Witnessed[] {
    return [...this.#seen].map(([rule, { rules, credentials, target }]) => ({
      rule,
      tree: trace({ kind: 'rule', name: rule }, rules.rule, credentials, target, (name) =>
        originText(rules.source(name)),
      ),
    }))
  }
}
