/** One flag of a command's own; what configures the gateway is in `config/options.ts`. */
export interface Flag {
  /** What stands for the value in a usage line; none: the flag is a switch. */
  readonly value?: string
  readonly help: string
  /** The values that there are. */
  readonly choices?: readonly string[]
  /** The value is the name of a file. */
  readonly file?: true
}

/** What people and shells are told of a command; `main.ts` says what runs it. */
export interface Command {
  /** A line for the overview. */
  readonly summary: string
  /** What follows the command's name, a line for each way of calling it. */
  readonly usage: readonly string[]
  /** What else there is to know, by paragraph. */
  readonly about?: readonly string[]
  /** By name, without the dashes. */
  readonly flags?: Readonly<Record<string, Flag>>
  /** What its words are: one of these, or names of files. */
  readonly words?: readonly string[] | 'files'
  /** Takes the options of `config/options.ts`, and their files. */
  readonly configured?: true
  /** When it ends with which. */
  readonly exitCodes: Readonly<Record<number, string>>
  /** The words that must follow, each a command of its own. */
  readonly commands?: Readonly<Record<string, Command>>
}

/** The same flag of several commands. */
export const FORMAT = {
  value: 'text|json',
  help: 'text (default) or json',
  choices: ['text', 'json'],
} as const satisfies Flag
export const ADMIN = {
  value: 'URL',
  help: 'admin listener of the running gateway: http://HOST:PORT, https://HOST:PORT (verified by admin_tls_cert_file) or unix:/PATH; may be repeated, the results are added up. Default: admin_bind of the configuration',
} as const satisfies Flag
export const AUDIT_LOG = {
  value: 'FILE',
  help: 'read decision records instead of asking a gateway; may be repeated, oldest file first; .gz too',
  file: true,
} as const satisfies Flag
export const TOKEN_FILE = {
  value: 'FILE',
  help: 'file with the token; default: the environment variable OS_TOKEN',
  file: true,
} as const satisfies Flag
