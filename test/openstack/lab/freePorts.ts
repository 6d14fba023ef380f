import { createServer } from 'node:net'

const lowest = 21_000
const highest = 31_000 // above 32767 the kernel gives ports to outgoing connections

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** `count` ports of 127.0.0.1 that are free now. Throws when the range has too few. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = []
  const start = lowest + Math.floor(Math.random() * (highest - lowest - 1000))
  for (let port = start; found.length < count; port++) {
    if (port > highest) throw new Error(`no ${count} free ports between ${start} and ${highest}`)
    if (await isFree(port)) found.push(port)
  }
  return found
}
