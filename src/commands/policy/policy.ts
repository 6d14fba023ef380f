import { testCases } from './cases.ts'
import { diff } from './diff.ts'
import { check, explainRule } from './judge.ts'
import { list, sample } from './show.ts'
import { sign } from './sign.ts'
import { UsageError } from './usage-error.ts'

const USAGE = `cinderguard policy: the policy as operators of OpenStack know it.
  list     [--rule WORD]                                      every rule in force, and its layer
  sample                                                      Cinder's rules, to begin a policy file with
  check    --access FILE [--target FILE] [--asked FILE] [--rule NAME]  what somebody may do
  explain  --rule NAME --access FILE [--target FILE] [--asked FILE]    one rule, check by check
           REQUEST-ID | --record FILE [--rule NAME]           the rule of a decision, with what its record tells
           --request 'METHOD /v3/...' [--body JSON] ...       every rule of a request, as cinderguard explain
  test     CASES.yaml                                         expectations, for CI
  diff     A.yaml B.yaml                                      who gains and who loses
  sign     --key FILE --version N [--days 30] [--locked RULE,RULE] FILE.yaml
The policy is that of the configuration (--config-file ...), with the bundle, or of --policy-file FILE[,FILE], where a
file may be a signed bundle; with --enforce-new-defaults true as oslo.policy's option (diff: also after, for B only).
--access: credentials as JSON ({"roles": ["member"], "project_id": "p"}), or Keystone's answer to a token look-up.
  Without it: a live token, in --token-file FILE or OS_TOKEN, which Keystone is asked about.
--target: attributes as JSON; the caller's own project without it. --format json for programs.
--asked: the request for cinderguard.* checks, as JSON: {"address": "10.0.0.1", "time": "2026-11-24T08:00:00Z",
  "service": "nova", "microversion": "3.70", "body": {"os-extend": {"new_size": 9}}}; each may be left out.
Exit codes: 0 done or passed, 1 failed or different, 2 wrong command line, policy or file.
`
const COMMANDS: Readonly<Record<string, (argv: readonly string[]) => Promise<number> | number>> = {
  list,
  sample,
  check,
  explain: explainRule,
  test: testCases,
  diff,
  sign,
}

/** `cinderguard policy WORD`. */
export async function policy(argv: readonly string[]): Promise<number> {
  const [word = '', ...rest] = argv
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
  if (command === undefined) {
    process.stderr.write(USAGE)
    return 2
  }
  try {
    return await command(rest)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`cinderguard policy ${word}: ${error.message}\n`)
    return 2
  }
}

export { USAGE as POLICY_USAGE }
