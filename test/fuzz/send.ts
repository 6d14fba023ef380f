import { connect } from 'node:net'

/** Sends bytes on a connection of their own and reads until it ends, or nothing more comes. Never throws. */
export function sendBytes(
  url: string,
  bytes: Buffer,
  { quiet = 250, limit = 10_000, patience = 1000 } = {},
): Promise<Buffer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    // Nothing at all within `limit` of a request that may still be at work; nothing more for `quiet`: it is over.
    let timer = setTimeout(() => socket.destroy(), limit)
    const wait = (time: number) => {
      clearTimeout(timer)
      timer = setTimeout(() => socket.destroy(), time)
    }
    socket.on('connect', () => {
      socket.write(bytes)
      // What is still without an answer after `patience` is so for good: the end of the connection says so.
      setTimeout(() => chunks.length === 0 && socket.end(), patience).unref()
    })
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      // After "100 Continue" alone the request is still at work.
      const answered = statusesOf(Buffer.concat(chunks))
      if (answered.length === 0 || answered.some((status) => status >= 200)) wait(quiet)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks))
    })
  })
}

/** The statuses of the answers in what came back. */
export function statusesOf(answer: Buffer): readonly number[] {
  return [...answer.toString('latin1').matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) =>
    Number(status),
  )
}
