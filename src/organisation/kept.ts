import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { BundleError } from './bundle.ts'

/** The kept bundle, or null when there is none. @throws BundleError when there is one that cannot be read. */
export function readKept(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw new BundleError(`${path} cannot be read: ${codeOf(error)}`)
  }
}

/** Keeps a bundle, whole or not at all, on the disk itself. @throws BundleError */
export function keepBundle(path: string, text: string): void {
  const fresh = `${path}.${process.pid}.new`
  try {
    mkdirSync(dirname(path), { recursive: true })
    const file = openSync(fresh, 'w', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(fresh, path)
  } catch (error) {
    try {
      rmSync(fresh, { force: true })
    } catch {
      // the folder cannot be written to: nothing was left in it either
    }
    throw new BundleError(`cannot be kept in ${path}: ${codeOf(error)}`)
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'failed'
