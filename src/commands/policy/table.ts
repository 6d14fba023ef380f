import { type Command, type Flag, FORMAT, TOKEN_FILE } from '../command.ts'

const POLICY = {
  'policy-file': {
    value: 'FILE[,FILE]',
    help: 'use the policy of these files, which may be signed bundles, instead of that of the configuration',
    file: true,
  },
  'enforce-new-defaults': {
    value: 'true|false',
    help: "oslo.policy's option, for use with --policy-file",
    choices: ['true', 'false', 'after'],
  },
  format: FORMAT,
} as const satisfies Record<string, Flag>

const RULE = { value: 'NAME', help: 'only this rule' } as const satisfies Flag
const WHO = {
  access: {
    value: 'FILE',
    help: 'who asks: credentials as JSON ({"roles": ["member"], "project_id": "p"}), or Keystone\'s answer to a token lookup. Default: the holder of the token in --token-file or OS_TOKEN, as Keystone describes it',
    file: true,
  },
  'token-file': TOKEN_FILE,
  target: {
    value: 'FILE',
    help: "attributes of the target object, as JSON; default: an object of the caller's own project",
    file: true,
  },
  asked: {
    value: 'FILE',
    help: 'the request for cinderguard.* checks, as JSON: {"address": "10.0.0.1", "time": "2026-11-24T08:00:00Z", "service": "nova", "microversion": "3.70", "body": {"os-extend": {"new_size": 9}}}; each is optional',
    file: true,
  },
} as const satisfies Record<string, Flag>

const WRONG = 'invalid command line, policy or file'

/** The commands of `cinderguard policy`. */
export const POLICY_COMMANDS = {
  list: {
    summary: 'every rule in force, and its layer',
    usage: ['[--rule WORD]'],
    flags: { rule: { value: 'WORD', help: 'only rules whose name contains this' }, ...POLICY },
    configured: true,
    exitCodes: { 0: 'listed', 1: 'there is no such rule', 2: WRONG },
  },
  sample: {
    summary: "Cinder's rules as comments, to start a policy file from",
    usage: [''],
    exitCodes: { 0: 'printed' },
  },
  check: {
    summary: 'what somebody may do',
    usage: ['[--access FILE | --token-file FILE] [--target FILE] [--asked FILE] [--rule NAME]'],
    flags: { rule: RULE, ...WHO, ...POLICY },
    configured: true,
    exitCodes: { 0: 'allowed, or listed', 1: 'the rule refuses', 2: WRONG },
  },
  explain: {
    summary: 'one rule, check by check; or the rule of a decision',
    usage: [
      '--rule NAME [--access FILE | --token-file FILE] [--target FILE] [--asked FILE]',
      'REQUEST-ID | --record FILE [--rule NAME]',
      "--request 'METHOD /v3/...' [--body JSON] ...",
    ],
    about: [
      'A decision is given by its request id or as a file, and explained from its record. With --request: every rule of a request; takes the flags of cinderguard explain.',
    ],
    flags: {
      rule: RULE,
      ...WHO,
      record: { value: 'FILE', help: 'a decision record', file: true },
      request: { value: "'METHOD /v3/...'", help: 'the request to judge' },
      body: { value: 'JSON', help: 'its body' },
      microversion: { value: 'VERSION', help: 'its microversion, such as 3.44' },
      'service-token-file': { value: 'FILE', help: 'file with its service token, if it has one', file: true },
      ...POLICY,
    },
    configured: true,
    exitCodes: { 0: 'the rule allows', 1: 'it refuses', 2: WRONG },
  },
  test: {
    summary: 'check the expectations on a policy, for CI',
    usage: ['CASES.yaml [--policy-file FILE]'],
    flags: POLICY,
    words: 'files',
    configured: true,
    exitCodes: { 0: 'all expectations are met', 1: 'some are not', 2: WRONG },
  },
  diff: {
    summary: 'who gains and who loses between two policies',
    usage: ['A.yaml B.yaml'],
    flags: {
      'enforce-new-defaults': {
        ...POLICY['enforce-new-defaults'],
        help: "true, false: oslo.policy's option for both; after: for B only",
      },
      format: FORMAT,
    },
    words: 'files',
    exitCodes: { 0: 'nothing differs', 1: 'somebody gains or loses, or a rule is reworded', 2: WRONG },
  },
  sign: {
    summary: 'print a signed bundle of a policy',
    usage: ['--key FILE --version N [--days 30] [--locked RULE,RULE] FILE.yaml'],
    flags: {
      key: { value: 'FILE', help: 'the private key, PEM', file: true },
      version: { value: 'N', help: 'a whole number, higher than that of the previous bundle' },
      days: { value: 'DAYS', help: 'days until it expires; default 30' },
      locked: { value: 'RULE,RULE', help: 'rules of FILE.yaml that no local policy may loosen' },
    },
    words: 'files',
    exitCodes: { 0: 'signed', 2: WRONG },
  },
} as const satisfies Readonly<Record<string, Command>>
