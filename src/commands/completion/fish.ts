import type { Command } from '../command.ts'
import { CONFIGURATION_OFFERS, leavesOf, type Offer, ownOffers, type Value } from './offers.ts'

/** The completion of fish. */
export function fishCompletion(commands: Readonly<Record<string, Command>>): string {
  const leaves = leavesOf(commands)
  const parents = Object.entries(commands).filter(([, command]) => command.commands !== undefined)
  const lines = [
    '# Completion of cinderguard for fish; printed by: cinderguard completion fish',
    // Only the words of the line tell where one is: a value of a flag may be the name of a command.
    'function __cinderguard_at',
    '    set -l words (commandline -opc)',
    '    test "$words[2..]" = "$argv"',
    'end',
    'function __cinderguard_in',
    '    set -l words (commandline -opc)',
    '    set -l last (math (count $argv) + 1)',
    '    test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"',
    'end',
    'complete -c cinderguard -f',
    "complete -c cinderguard -n '__cinderguard_at' -l version -d 'print the release'",
    "complete -c cinderguard -n '__cinderguard_at' -l help -d 'list the commands'",
    ...wordsAt('', commands),
    ...wordsAt('help', commands),
    ...parents.flatMap(([word, { commands: inner = {} }]) => [
      ...wordsAt(word, inner),
      ...wordsAt(`help ${word}`, inner),
    ]),
  ]
  for (const { path, command } of leaves) {
    const at = `complete -c cinderguard -n '__cinderguard_in ${path.join(' ')}'`
    lines.push(...ownOffers(command).map((offer) => `${at} ${optionOf(offer)}`))
    if (command.words === 'files') lines.push(`${at} -F`)
    else if (command.words !== undefined) lines.push(`${at} -a '${command.words.join(' ')}'`)
  }
  const configured = leaves.filter(({ command }) => command.configured === true)
  lines.push(
    'function __cinderguard_configured',
    ...configured.map(({ path }) => `    __cinderguard_in ${path.join(' ')}; and return`),
    '    return 1',
    'end',
    ...CONFIGURATION_OFFERS.map(
      (offer) => `complete -c cinderguard -n __cinderguard_configured ${optionOf(offer)}`,
    ),
  )
  return `${lines.join('\n')}\n`
}

function wordsAt(at: string, commands: Readonly<Record<string, Command>>): readonly string[] {
  return Object.entries(commands).map(
    ([word, { summary }]) =>
      `complete -c cinderguard -n '__cinderguard_at${at === '' ? '' : ` ${at}`}' -a ${word} -d ${quoted(summary)}`,
  )
}

function optionOf({ flag, value, help }: Offer): string {
  return `-l ${flag.slice(2)}${actionOf(value)} -d ${quoted(help)}`
}

function actionOf(value: Value): string {
  if (value === 'none') return ''
  if (value === 'free') return ' -x'
  if (typeof value !== 'string') return ` -xa '${value.join(' ')}'`
  return value === 'file' ? ' -rF' : " -xa '(__fish_complete_directories)'"
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`
}
