import { COMMANDS } from '../table.ts'
import { bashCompletion } from './bash.ts'
import { fishCompletion } from './fish.ts'
import { zshCompletion } from './zsh.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

/** `cinderguard completion SHELL`. */
export function completion(argv: readonly string[]): number {
  const [shell = '', ...more] = argv
  if (!isShell(shell) || more.length > 0) {
    process.stderr.write(`cinderguard completion wants one shell: ${Object.keys(SHELLS).join(', ')}\n`)
    return 2
  }
  process.stdout.write(SHELLS[shell](COMMANDS))
  return 0
}

function isShell(name: string): name is keyof typeof SHELLS {
  return Object.hasOwn(SHELLS, name)
}
