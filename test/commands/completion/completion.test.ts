import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { bashCompletion } from '../../../src/commands/completion/bash.ts'
import { fishCompletion } from '../../../src/commands/completion/fish.ts'
import { leavesOf } from '../../../src/commands/completion/offers.ts'
import { zshCompletion } from '../../../src/commands/completion/zsh.ts'
import { COMMANDS } from '../../../src/commands/table.ts'

const folder = mkdtempSync(join(tmpdir(), 'cinderguard-completion-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
writeFileSync(join(folder, 'a file.conf'), '')
mkdirSync(join(folder, 'conf.d'))
const script = join(folder, 'cinderguard.bash')
writeFileSync(script, bashCompletion(COMMANDS))

/** What a real bash offers for the last of the words. */
function offered(...words: readonly string[]): readonly string[] {
  const ask = `source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
_cinderguard; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', ask, 'bash', script, 'cinderguard', ...words], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return stdout.split('\n').filter((line) => line !== '')
}

describe('bash offers', () => {
  test.each([
    ['the commands', [''], Object.keys(COMMANDS)],
    ['those that begin so', ['at'], ['attachments']],
    ['flags of none', ['--v'], ['--version']],
    ['the commands of policy', ['policy', ''], Object.keys(COMMANDS.policy.commands)],
    ['the one of attachments', ['attachments', 'a'], ['audit']],
    ['commands to help', ['help', 'rep'], ['report']],
    ['and theirs', ['help', 'policy', 'l'], ['list']],
    ['the shells', ['completion', ''], ['bash', 'zsh', 'fish']],
    ['own flags', ['demo', '--'], ['--once', '--any-port', '--help']],
    ['own flags of a command of a command', ['policy', 'sign', '--l'], ['--locked']],
    ['own flags after others', ['report', '--format', 'json', '--si'], ['--since']],
    ['options of the configuration', ['serve', '--mode'], ['--mode', '--mode-overrides']],
    ['those of other sections', ['doctor', '--keystone_authtoken.auth_u'], ['--keystone_authtoken.auth_url']],
    ['no secret', ['serve', '--keystone_authtoken.passw'], []],
    ['no options where they do not count', ['policy', 'sign', '--mode'], []],
    ['values', ['serve', '--mode', ''], ['enforce', 'observe']],
    ['values of own flags', ['doctor', '--fail-on', 'w'], ['warning']],
    ['a value behind a sign of equality', ['serve', '--mode', '=', 'o'], ['observe']],
    ['all of them', ['serve', '--mode', '='], ['enforce', 'observe']],
    ['true and false', ['serve', '--upstream-insecure', 't'], ['true']],
    ['nothing for a value that is free', ['serve', '--bind', ''], []],
    ['files', ['check-config', '--config-file', 'a'], ['a file.conf']],
    ['directories', ['serve', '--config-dir', ''], ['conf.d']],
    ['files as words', ['policy', 'diff', 'a'], ['a file.conf']],
    ['nothing more after a word that is no command', ['serv', ''], []],
  ])('%s', (_name, words, expected) => {
    expect(offered(...words)).toEqual(expected)
  })

  test('every flag of every command', () => {
    for (const { path, command } of leavesOf(COMMANDS)) {
      const flags = 'flags' in command ? Object.keys(command.flags ?? {}) : []
      expect(offered(...path, '--'), path.join(' ')).toEqual(
        expect.arrayContaining(flags.map((name) => `--${name}`)),
      )
    }
  })
})

describe('scripts are such as their shell reads', () => {
  const isThere = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0
  test.each([
    ['bash', bashCompletion],
    ['zsh', zshCompletion],
    ['fish', fishCompletion],
  ] as const)('%s', (shell, render) => {
    const text = render(COMMANDS)
    for (const word of ['serve', 'policy', 'audit', 'config-file', 'keystone_authtoken.auth_url', 'once'])
      expect(text).toContain(word)
    expect(text).not.toContain('keystone_authtoken.password')
    if (!isThere(shell)) return
    const { stderr, status } = spawnSync(shell, ['-n'], { input: text, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })
})
