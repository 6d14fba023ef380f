import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A process with the real oslo.policy (Debian's python3-oslo.policy), which answers one question after another. */
export interface Oracle {
  ask(question: object): Promise<unknown>
  close(): void
}

export function startOracle(): Oracle {
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'oslo.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const waiting: { resolve(answer: unknown): void; reject(error: Error): void }[] = []
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)))
  child.on('exit', () => {
    for (const { reject } of waiting) reject(new Error('the oracle has ended'))
  })
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        child.stdin.write(`${JSON.stringify(question)}\n`)
      }),
    close: () => child.stdin.end(),
  }
}
