import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Files that stand as long as the demo runs. */
export interface Folder {
  /** A configuration file with which commands find the demo's gateway and cloud. */
  readonly config: string
  /** What a shell is to source. */
  readonly env: string
  /** A token of a user. */
  readonly token: string
}

/**
 * Writes the demo's files into a new folder, which goes when the process ends, however it does.
 * @param settings by `section.name`
 * @param variables of the shell, by name
 * @param token of a user
 */
export function makeFolder(
  settings: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
  token: string,
): Folder {
  const path = mkdtempSync(join(tmpdir(), 'cinderguard-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  const folder = { config: join(path, 'demo.conf'), env: join(path, 'env'), token: join(path, 'token') }
  const lines = Object.entries(settings).map(([key, value]) => {
    const [section, name] = key.split('.')
    return `[${section}]\n${name} = ${value}\n`
  })
  writeFileSync(folder.config, lines.join(''))
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`)
  writeFileSync(folder.env, exports.join(''))
  writeFileSync(folder.token, token)
  return folder
}
