const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'part of its path is not a directory',
  EROFS: 'the file system is read-only',
}
const VERBS: Readonly<Record<string, string>> = { open: 'read', read: 'read', access: 'use', scandir: 'read' }

/** What an operator is told of an error; one of the file system names the file and says in words what is wrong. */
export function problemOf(error: unknown, otherwise = 'unknown error'): string {
  if (!(error instanceof Error)) return otherwise
  const { code = '', path, syscall = '' } = error as NodeJS.ErrnoException
  const cause = CAUSES[code]
  return cause === undefined || path === undefined
    ? error.message
    : `cannot ${VERBS[syscall] ?? 'use'} ${path}: ${cause}`
}
