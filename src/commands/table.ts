import { ADMIN, AUDIT_LOG, type Command, FORMAT, TOKEN_FILE } from './command.ts'
import { POLICY_COMMANDS } from './policy/table.ts'

/** All commands. The overview, each --help, docs/commands.md and shell completion are made from it. */
export const COMMANDS = {
  serve: {
    summary: 'run the gateway',
    usage: ['[--config-file FILE]... [--OPTION VALUE]...'],
    about: [
      'Runs until SIGTERM or SIGINT, then lets requests in flight finish. SIGHUP reopens the audit log, looks for a newer policy, and re-reads mode, mode_overrides, trusted_service_users and log_level from the configuration files; an invalid configuration is rejected and the old one remains in force. All other options need a restart.',
    ],
    configured: true,
    exitCodes: {
      0: 'ended by SIGTERM or SIGINT',
      1: 'could not start, for example because the address is in use',
      2: 'invalid command line, configuration or policy; nothing was started',
    },
  },
  'check-config': {
    summary: 'check the configuration, without starting',
    usage: ['[--config-file FILE]... [--OPTION VALUE]...'],
    about: [
      'Reports all problems of the options together; when there are none, those of the files that they name and of the policy. Starts nothing and contacts nobody.',
    ],
    configured: true,
    exitCodes: { 0: 'the configuration is valid', 2: 'it is invalid, or the command line is' },
  },
  doctor: {
    summary: 'check an installation end to end, and say what to do',
    usage: ['[--config-file FILE]... [--admin URL]... [--fail-on LEVEL] [--format json]'],
    about: [
      "Reads the configuration that the gateway runs with, and changes nothing. With OS_TOKEN, or OS_USERNAME and OS_PASSWORD, of any user it tests whether the gateway's account may validate that user's token. It sends each block storage endpoint of the catalogue a request without a token, which is refused with 401 and leaves a decision record.",
      'JSON: {"findings": [{"id", "level", "what", "why", "fix"}]}.',
    ],
    flags: {
      admin: ADMIN,
      'audit-log': AUDIT_LOG,
      'fail-on': {
        value: 'LEVEL',
        help: 'error (default) or warning: the least level of findings that makes it exit with 1',
        choices: ['error', 'warning'],
      },
      format: FORMAT,
    },
    configured: true,
    exitCodes: {
      0: 'no findings of that level or above',
      1: 'findings of that level or above',
      2: 'invalid command line or configuration',
    },
  },
  explain: {
    summary: 'what the gateway would do with a request, step by step',
    usage: [
      'REQUEST-ID [--token-file FILE]',
      "--request 'METHOD /v3/...' [--body JSON] [--microversion 3.44] [--token-file FILE]",
    ],
    about: [
      "With a REQUEST-ID, the gateway's or the one in Cinder's answer: a decision of the running gateway, with what was recorded and each fact looked up again, with the token or else with the gateway's own account.",
      'With --request: a request that is judged now, as if sent with the token. It is never executed.',
    ],
    flags: {
      request: {
        value: "'METHOD /v3/...'",
        help: 'the request to judge, such as "DELETE /v3/PROJECT/attachments/ID"',
      },
      body: { value: 'JSON', help: 'its body' },
      microversion: { value: 'VERSION', help: 'its microversion, such as 3.44' },
      'token-file': TOKEN_FILE,
      'service-token-file': { value: 'FILE', help: 'file with its service token, if it has one', file: true },
      format: FORMAT,
    },
    configured: true,
    exitCodes: {
      0: 'it is forwarded',
      1: 'it is refused, not found, or cannot be explained now',
      2: 'invalid command line or configuration',
    },
  },
  report: {
    summary: 'who is or would be refused; what to fix before enforcing',
    usage: [
      '[--admin URL]... [--since WHEN] [--format json]',
      '--audit-log FILE... [--since WHEN] [--format json]',
    ],
    about: ['Where admin_bind is not a loopback address the gateway requires a token: set OS_TOKEN.'],
    flags: {
      admin: ADMIN,
      'audit-log': AUDIT_LOG,
      since: {
        value: 'WHEN',
        help: 'only what was seen since then: a time (2026-11-25T10:00Z), or how long ago (90m, 6h, 2d)',
      },
      format: FORMAT,
    },
    configured: true,
    exitCodes: {
      0: 'ready to enforce',
      1: 'not ready',
      2: 'invalid command line, configuration or file',
      3: 'a gateway did not answer, or refused to (a missing or wrong OS_TOKEN)',
    },
  },
  attachments: {
    summary: 'audit: volumes on which Cinder and Nova disagree',
    usage: ['audit [--config-file FILE]... [--format json]'],
    exitCodes: { 2: 'the subcommand audit is missing' },
    commands: {
      audit: {
        summary: 'volumes on which Cinder and Nova disagree, with the safe command for each',
        usage: ['[--config-file FILE]... [--format json]'],
        about: [
          'Attachment records that Nova does not know, or knows under another id; and volumes that Nova has on a server while Cinder has no record of it, as the attack of CVE-2023-2088 leaves them. Reads only.',
          "Whose volumes: those of the account in OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME, ... (or an application credential), else of the token in OS_TOKEN; all projects' for an admin.",
        ],
        flags: { format: FORMAT },
        configured: true,
        exitCodes: {
          0: 'no disagreements',
          1: 'disagreements were found, or a service could not be asked',
          2: 'invalid command line or configuration',
        },
      },
    },
  },
  policy: {
    summary: 'list, check, explain, test, compare and sign policies',
    usage: ['COMMAND ...'],
    exitCodes: { 2: 'there is no such command' },
    commands: POLICY_COMMANDS,
  },
  demo: {
    summary: 'a guided tour in front of an embedded stand-in cloud',
    usage: ['[--once] [--any-port]'],
    about: [
      'Runs a Keystone, a Nova and an unfixed Cinder on this machine, all in memory. Nothing else is touched.',
    ],
    flags: {
      once: { help: 'end after the tour, instead of at Ctrl-C' },
      'any-port': { help: 'listen on free ports, instead of those of OpenStack' },
    },
    exitCodes: {
      0: 'ended; with --once: every answer was as announced',
      1: 'with --once: some answer was not',
      2: 'invalid command line',
    },
  },
  completion: {
    summary: 'print the completion script for a shell',
    usage: ['bash|zsh|fish'],
    about: [
      'bash: cinderguard completion bash > /etc/bash_completion.d/cinderguard',
      'zsh: cinderguard completion zsh > /usr/local/share/zsh/site-functions/_cinderguard',
      'fish: cinderguard completion fish > ~/.config/fish/completions/cinderguard.fish',
    ],
    words: ['bash', 'zsh', 'fish'],
    exitCodes: { 0: 'printed', 2: 'invalid command line' },
  },
  help: {
    summary: 'show how a command is used',
    usage: ['[COMMAND]'],
    exitCodes: { 0: 'printed', 2: 'there is no such command' },
  },
  version: {
    summary: 'print the version, as --version does',
    usage: [''],
    exitCodes: { 0: 'printed' },
  },
} as const satisfies Readonly<Record<string, Command>>

export type CommandName = keyof typeof COMMANDS
