/** A wrong command line or file: exit code 2. */
export class UsageError extends Error {}
