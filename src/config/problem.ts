/** What can be wrong with a configuration. Tests and `check-config` use the code, people read the message. */
export const PROBLEM_CODES = {
  unreadable: 'a file or directory named on the command line cannot be read',
  syntax: 'a line is neither a section, an assignment, a comment nor a continuation',
  unknown_option: 'Cinderguard has no option of this name',
  unknown_reference: 'a $name stands for an option that is set nowhere',
  circular_reference: 'an option refers to itself',
  secret_reference: 'an option that is not secret refers to one that is',
  wrong_type: 'the value cannot be read as what the option needs',
  out_of_range: 'the value is below or above what the option takes',
  not_allowed: 'the value is valid, but would make the gateway unsafe',
  missing: 'an option that is needed is not set',
  conflict: 'two options contradict each other',
  deprecated: 'an old name or value that still works (a notice, not an error)',
  unsafe: 'a value that weakens the gateway (a notice, not an error)',
  unused: 'an option that is accepted and has no effect (a notice, not an error)',
} as const satisfies Record<string, string>

export type ProblemCode = keyof typeof PROBLEM_CODES

/** What is wrong with a value, before anybody says where it was written. Never holds the text of a secret. */
export class Flaw {
  readonly code: ProblemCode
  readonly message: string

  constructor(code: ProblemCode, message: string) {
    this.code = code
    this.message = message
  }
}

/** A flaw and its place: `file:line`, `environment OS_GROUP__NAME`, `command line --flag` or `[section] name`. */
export interface Problem {
  readonly code: ProblemCode
  readonly where: string
  readonly message: string
}

/** One line for a terminal or a log. */
export function describeProblem(problem: Problem): string {
  return `${problem.where}: ${problem.message}`
}
