import { BundleError } from './bundle.ts'

/** Answers larger than this are no policy. */
const MAX_BYTES = 1024 * 1024
const TIMEOUT = 10_000

export interface Fetched {
  readonly text: string
  readonly etag: string | null
}

/**
 * Asks for the bundle.
 * @param etag that of the one at hand. @returns null when it is still that. @throws BundleError
 */
export async function fetchBundle(url: URL, etag: string | null): Promise<Fetched | null> {
  const headers: Record<string, string> = etag === null ? {} : { 'if-none-match': etag }
  try {
    const signal = AbortSignal.timeout(TIMEOUT)
    const answer = await fetch(url, { headers, redirect: 'error', signal })
    if (answer.status === 304 && etag !== null) return null
    if (answer.status !== 200) throw new BundleError(`status ${answer.status}`)
    return { text: await limited(answer), etag: answer.headers.get('etag') }
  } catch (error) {
    throw new BundleError(`${url.href}: ${textOf(error)}`)
  }
}

async function limited(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    size += chunk.length
    if (size > MAX_BYTES) throw new BundleError(`it is larger than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function textOf(error: unknown): string {
  if (error instanceof BundleError) return error.message
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time'
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'it cannot be fetched'
}
