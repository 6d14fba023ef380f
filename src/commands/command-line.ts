import { isConfigurationFlag, OPTION_FLAGS } from '../config/flags.ts'
import { nearest } from '../config/nearest.ts'
import type { Problem } from '../config/problem.ts'
import type { Command } from './command.ts'

/** A command that was named, by all its words, and what follows them. */
export interface Named {
  readonly path: readonly string[]
  readonly command: Command
  readonly rest: readonly string[]
}

/** The command that the first words name, down to the last of them that does; or what is wrong with the words. */
export function commandOf(
  argv: readonly string[],
  commands: Readonly<Record<string, Command>>,
  path: readonly string[] = [],
): Named | { readonly problem: string } {
  const [word = '', ...rest] = argv
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined
  if (command === undefined) {
    const guess = nearest(word, Object.keys(commands))
    const name = ['cinderguard', ...path].join(' ')
    if (word === '' || word.startsWith('-'))
      return { problem: `${name} needs a subcommand: ${Object.keys(commands).join(', ')}` }
    return { problem: `${name} has no command "${word}"${guess ? `; did you mean "${guess}"?` : ''}` }
  }
  const named = { path: [...path, word], command, rest }
  const asksHelp = rest[0] === '--help' || rest[0] === '-h'
  if (command.commands === undefined || asksHelp) return named
  return commandOf(rest, command.commands, named.path)
}

/**
 * What is wrong with the flags that follow a command, as far as its row tells. What flags of the configuration say is
 * for `readFlags`.
 */
export function problemsOfFlags({ command, rest }: Named): readonly Problem[] {
  const { flags: own = {}, configured = false, words: wanted } = command
  const problems: Problem[] = []
  const words = [...rest]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [flag = '', inline] = word.split(/=(.*)/s)
    const wrong = (code: Problem['code'], message: string): void => {
      problems.push({ code, where: `command line ${flag}`, message })
    }
    if (!word.startsWith('-')) {
      if (!configured && wanted === undefined)
        problems.push({
          code: 'unknown_option',
          where: 'command line',
          message: `"${word}" is not expected here`,
        })
      continue
    }
    const name = flag.replace(/^--/, '')
    const row = flag.startsWith('--') && Object.hasOwn(own, name) ? own[name] : undefined
    if (row === undefined) {
      if (configured && isConfigurationFlag(flag)) {
        if (inline === undefined) words.shift()
      } else {
        const guess = nearest(flag, namesOf(command))
        wrong('unknown_option', `there is no such flag${guess ? `; did you mean ${guess}?` : ''}`)
      }
    } else if (row.value === undefined) {
      if (inline !== undefined) wrong('wrong_type', 'takes no value')
    } else {
      const value = inline ?? words.shift()
      if (value === undefined) wrong('missing', `needs a value: ${row.value}`)
      else if (row.choices !== undefined && !row.choices.includes(value))
        wrong('wrong_type', `is ${row.choices.join(' or ')}`)
    }
  }
  return problems
}

/** All flags that a command takes, its own first. */
export function namesOf({ flags = {}, configured }: Command): readonly string[] {
  const own = Object.keys(flags).map((name) => `--${name}`)
  if (configured !== true) return own
  return [...own, '--config-file', '--config-dir', ...OPTION_FLAGS.map(({ flag }) => flag)]
}
