import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Command } from '../../src/commands/command.ts'
import { commandOf, problemsOfFlags } from '../../src/commands/command-line.ts'
import { leavesOf } from '../../src/commands/completion/offers.ts'
import { renderCommands } from '../../src/commands/reference.ts'
import { COMMANDS } from '../../src/commands/table.ts'
import { overview, usageOf } from '../../src/commands/usage.ts'
import { describeProblem } from '../../src/config/problem.ts'

test('docs/commands.md is current (node src/commands/reference.ts --write)', () => {
  const path = fileURLToPath(new URL('../../docs/commands.md', import.meta.url))
  expect(readFileSync(path, 'utf8')).toBe(renderCommands())
})

describe('every command', () => {
  const leaves = leavesOf(COMMANDS)
  test.each(leaves)(
    '$path: its help fits a terminal and tells its flags and exit codes',
    ({ path, command }: { path: readonly string[]; command: Command }) => {
      const text = usageOf(path, command)
      for (const name of Object.keys(command.flags ?? {})) expect(text).toContain(`\n  --${name}`)
      for (const [code, meaning] of Object.entries(command.exitCodes))
        expect(text.replaceAll(/\s+/g, ' ')).toContain(` ${code} ${meaning}`)
      const prose = text.split('\n').filter((line) => !/^(?:Usage:| {6} cinderguard)/.test(line))
      expect(prose.filter((line) => line.length > 80 && line.trim().includes(' '))).toEqual([])
      expect(text.includes('docs/options.md')).toBe(command.configured === true)
      // Not the list of all options.
      expect(text).not.toContain('--keystone_authtoken')
    },
  )
  test('the overview fits, one line each', () => {
    const lines = overview().split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    for (const [word, { summary }] of Object.entries(COMMANDS))
      expect(lines).toContain(`  ${word.padEnd(14)}${summary}`)
  })
})

describe('a command line', () => {
  const problemOf = (...argv: string[]): string => {
    const named = commandOf(argv, COMMANDS)
    if ('problem' in named) return named.problem
    return problemsOfFlags(named).map(describeProblem).join('\n')
  }
  test.each([
    ['a good one', ['report', '--since', '2d', '--format=json', '--config-file', 'x'], ''],
    ['options of the configuration', ['serve', '--mode', 'observe', '--nova.interface=public'], ''],
    ['a value that looks like a flag', ['explain', '--body', '--formt'], ''],
    ['no such command', ['serv'], 'cinderguard has no command "serv"; did you mean "serve"?'],
    [
      'no such command of policy',
      ['policy', 'lst'],
      'cinderguard policy has no command "lst"; did you mean "list"?',
    ],
    ['none', ['attachments'], 'cinderguard attachments needs a subcommand: audit'],
    [
      'an own flag, mistyped',
      ['report', '--sinse', '2d'],
      'command line --sinse: there is no such flag; did you mean --since?',
    ],
    [
      'an option, mistyped',
      ['serve', '--upstreem=x'],
      'command line --upstreem: there is no such flag; did you mean --upstream?',
    ],
    ['nothing like it', ['demo', '--frobnicate'], 'command line --frobnicate: there is no such flag'],
    [
      'an option where none counts',
      ['demo', '--mode', 'observe'],
      'command line --mode: there is no such flag\ncommand line: "observe" is not expected here',
    ],
    ['one dash', ['demo', '-once'], 'command line -once: there is no such flag; did you mean --once?'],
    ['a value is missing', ['report', '--since'], 'command line --since: needs a value: WHEN'],
    ['a value of its own', ['report', '--format', 'xml'], 'command line --format: is text or json'],
    ['a value for a switch', ['demo', '--once=yes'], 'command line --once: takes no value'],
    ['a word too many', ['demo', 'now'], 'command line: "now" is not expected here'],
    [
      'all at once',
      ['doctor', '--formt', '--fail-on', 'info'],
      'command line --formt: there is no such flag; did you mean --format?\ncommand line --fail-on: is error or warning',
    ],
  ])('%s', (_name, argv, expected) => {
    expect(problemOf(...argv)).toBe(expected)
  })
})
