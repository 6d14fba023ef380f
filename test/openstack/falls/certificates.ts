import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Shown } from '../faulty.ts'

const FILES = join(import.meta.dirname, '../../support/tls')

/** What `GOOD` is signed by: a file for `cafile`. */
export const CA_FILE = join(FILES, 'ca.pem')
export const GOOD: Shown = {
  cert: readFileSync(join(FILES, 'server.pem'), 'utf8'),
  key: readFileSync(join(FILES, 'server.key'), 'utf8'),
}

/** A certificate of the same name that nobody vouches for. */
export function strange(): Shown {
  const folder = mkdtempSync(join(tmpdir(), 'cinderguard-strange-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const name = ['-subj', '/CN=server', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2']
  execFileSync('openssl', [...request, ...name, '-out', cert, '-keyout', key], { stdio: 'ignore' })
  const shown = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  rmSync(folder, { recursive: true })
  return shown
}
