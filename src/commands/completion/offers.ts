import { OPTION_FLAGS } from '../../config/flags.ts'
import type { Option } from '../../config/option.ts'
import type { Command, Flag } from '../command.ts'

/** What may stand after a flag. */
export type Value = 'none' | 'free' | 'file' | 'directory' | readonly string[]

/** One flag as a shell offers it. */
export interface Offer {
  /** With its dashes. */
  readonly flag: string
  readonly value: Value
  /** In a line. */
  readonly help: string
}

/** A command, by its words, that has no commands of its own. */
export interface Leaf {
  readonly path: readonly string[]
  readonly command: Command
}

export function leavesOf(
  commands: Readonly<Record<string, Command>>,
  path: readonly string[] = [],
): readonly Leaf[] {
  return Object.entries(commands).flatMap(([word, command]) =>
    command.commands === undefined
      ? [{ path: [...path, word], command }]
      : leavesOf(command.commands, [...path, word]),
  )
}

/** The flags that only this command has. */
export function ownOffers({ flags = {} }: Command): readonly Offer[] {
  const own = Object.entries(flags).map(([name, flag]) => ({
    flag: `--${name}`,
    value: valueAfter(flag),
    help: firstClause(flag.help),
  }))
  return [...own, { flag: '--help', value: 'none', help: 'how the command is used' }]
}

/** The flags of the configuration, in the form in which messages name them. */
export const CONFIGURATION_OFFERS: readonly Offer[] = [
  { flag: '--config-file', value: 'file', help: 'a configuration file' },
  { flag: '--config-dir', value: 'directory', help: 'a directory of configuration files' },
  ...OPTION_FLAGS.map(({ flag, option }) => ({
    flag,
    value: valueOfOption(option),
    help: firstClause(option.help),
  })),
]

function valueAfter({ value, choices, file }: Flag): Value {
  if (value === undefined) return 'none'
  return choices ?? (file === true ? 'file' : 'free')
}

function valueOfOption({ type, choices }: Option): Value {
  if (type === 'bool') return ['true', 'false']
  return choices ?? (type === 'path' ? 'file' : 'free')
}

/** Help as far as a line of a menu holds it, without what shells would read. */
function firstClause(help: string): string {
  const [clause = ''] = help.split(/[.;:](?:\s|$)/)
  return clause.replace(/[`'"\\$[\]]/g, '')
}
