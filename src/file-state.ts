import { statSync } from 'node:fs'

/** Changes when a file is replaced, changed, comes or goes. What cannot be looked at is a state like any other. */
export function stateOf(path: string): string {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    return `${path} ${stat?.mtimeMs ?? 'none'} ${stat?.size} ${stat?.ino}`
  } catch (error) {
    return `${path} ${error instanceof Error && 'code' in error ? error.code : 'unreadable'}`
  }
}
