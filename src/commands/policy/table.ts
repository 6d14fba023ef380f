import { type Command, type Flag, FORMAT, TOKEN_FILE } from '../command.ts'

const POLICY = {
  'policy-file': {
    value: 'FILE[,FILE]',
    help: 'the policy of these files, which may be signed bundles, instead of that of the configuration',
    file: true,
  },
  'enforce-new-defaults': {
    value: 'true|false',
    help: "as oslo.policy's option, with --policy-file; for diff also after: for B only",
    choices: ['true', 'false', 'after'],
  },
  format: FORMAT,
} as const satisfies Record<string, Flag>

const RULE = { value: 'NAME', help: 'this rule alone' } as const satisfies Flag
const WHO = {
  access: {
    value: 'FILE',
    help: 'who asks: credentials as JSON ({"roles": ["member"], "project_id": "p"}), or Keystone\'s answer to a token look-up. Without it the holder of a live token, which Keystone is asked about',
    file: true,
  },
  'token-file': TOKEN_FILE,
  target: {
    value: 'FILE',
    help: "of what: attributes as JSON; without it, something of the caller's own project",
    file: true,
  },
  asked: {
    value: 'FILE',
    help: 'the request for cinderguard.* checks, as JSON: {"address": "10.0.0.1", "time": "2026-11-24T08:00:00Z", "service": "nova", "microversion": "3.70", "body": {"os-extend": {"new_size": 9}}}; each may be left out',
    file: true,
  },
} as const satisfies Record<string, Flag>

const WRONG = 'wrong command line, policy or file'

/** The commands of `cinderguard policy`. */
export const POLICY_COMMANDS = {
  list: {
    summary: 'every rule in force, and its layer',
    usage: ['[--rule WORD]'],
    flags: { rule: { value: 'WORD', help: 'only rules with this in their name' }, ...POLICY },
    configured: true,
    exitCodes: { 0: 'listed', 1: 'there is no such rule', 2: WRONG },
  },
  sample: {
    summary: "Cinder's rules as comments, to begin a policy file with",
    usage: [''],
    exitCodes: { 0: 'printed' },
  },
  check: {
    summary: 'what somebody may do',
    usage: ['--access FILE [--target FILE] [--asked FILE] [--rule NAME]'],
    flags: { rule: RULE, ...WHO, ...POLICY },
    configured: true,
    exitCodes: { 0: 'allowed, or listed', 1: 'the rule refuses', 2: WRONG },
  },
  explain: {
    summary: 'one rule, check by check; or the rule of a decision',
    usage: [
      '--rule NAME --access FILE [--target FILE] [--asked FILE]',
      'REQUEST-ID | --record FILE [--rule NAME]',
      "--request 'METHOD /v3/...' [--body JSON] ...",
    ],
    about: [
      'Of a decision, by its request id or in a file: with what its record tells. With --request: every rule of a request, as cinderguard explain, whose flags it takes.',
    ],
    flags: {
      rule: RULE,
      ...WHO,
      record: { value: 'FILE', help: 'a decision record', file: true },
      request: { value: "'METHOD /v3/...'", help: 'the request that is judged' },
      body: { value: 'JSON', help: 'its body' },
      microversion: { value: 'VERSION', help: 'its microversion, such as 3.44' },
      'service-token-file': { value: 'FILE', help: 'where its service token is, if it has one', file: true },
      ...POLICY,
    },
    configured: true,
    exitCodes: { 0: 'the rule allows', 1: 'it refuses', 2: WRONG },
  },
  test: {
    summary: 'expectations of a policy, for CI',
    usage: ['CASES.yaml [--policy-file FILE]'],
    flags: POLICY,
    words: 'files',
    configured: true,
    exitCodes: { 0: 'all are met', 1: 'some are not', 2: WRONG },
  },
  diff: {
    summary: 'who gains and who loses between two policies',
    usage: ['A.yaml B.yaml'],
    flags: { 'enforce-new-defaults': POLICY['enforce-new-defaults'], format: FORMAT },
    words: 'files',
    configured: true,
    exitCodes: { 0: 'nobody does', 1: 'somebody does', 2: WRONG },
  },
  sign: {
    summary: 'a signed bundle of a policy, on standard output',
    usage: ['--key FILE --version N [--days 30] [--locked RULE,RULE] FILE.yaml'],
    flags: {
      key: { value: 'FILE', help: 'the private key, PEM', file: true },
      version: { value: 'N', help: 'a whole number above that of the bundle before' },
      days: { value: 'DAYS', help: 'how long it holds; 30 without it' },
      locked: { value: 'RULE,RULE', help: 'rules that no local policy may loosen' },
    },
    words: 'files',
    exitCodes: { 0: 'signed', 2: WRONG },
  },
} as const satisfies Readonly<Record<string, Command>>
