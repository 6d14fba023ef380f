import { readFileSync } from 'node:fs'
import { UsageError } from './usage-error.ts'

/** @throws UsageError when it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(
      `${path}: ${error instanceof Error && 'code' in error ? error.code : 'cannot be read'}`,
    )
  }
}

/** @throws UsageError when it holds no JSON object. */
export function readJson(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readText(path))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch (error) {
    if (error instanceof UsageError) throw error
  }
  throw new UsageError(`${path}: it holds no JSON object`)
}
