import { type Finding, ok } from './finding.ts'
import type { Survey } from './survey.ts'

/** Whether the gateway reads the policy that Cinder reads. */
export function policyFinding({ policyFiles, policyJson }: Survey): Finding {
  if (policyJson !== null)
    return {
      id: 'policy',
      level: 'warning',
      what: `${policyJson} is not read: policy_file was not found, and the gateway does not fall back to policy.json as Cinder does.`,
      why: "The gateway decides by Cinder's default rules where this file may have others.",
      fix: ['[oslo_policy]', `policy_file = ${policyJson}`],
    }
  if (policyFiles.length > 0) return ok('policy', `Policy files: ${policyFiles.join(', ')}.`)
  return {
    id: 'policy',
    level: 'info',
    what: "No policy file was found: Cinder's default rules are in force.",
    why: 'If Cinder has a policy file, the gateway must read the same one.',
    fix: ['[oslo_policy]', 'policy_file = /etc/cinder/policy.yaml'],
  }
}
