import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { GENERATED_FILES, renderHelp, renderSample } from '../../src/config/help.ts'
import { parseIni } from '../../src/config/ini.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Option } from '../../src/config/option.ts'
import { OPTIONS, SECTIONS } from '../../src/config/options.ts'
import { Flaw } from '../../src/config/problem.ts'
import { variableOf } from '../../src/config/sources.ts'
import { readValue } from '../../src/config/value.ts'

const pathOf = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))

const rows = Object.entries(OPTIONS).flatMap(([section, options]) =>
  Object.entries<Option>(options).map(([name, option]) => [section, name, option] as const),
)

test.each(Object.entries(GENERATED_FILES))(
  '%s is current (node src/config/help.ts --write)',
  (name, render) => {
    expect(readFileSync(pathOf(name), 'utf8')).toBe(render())
  },
)

describe('every option', () => {
  test.each(rows)(
    '[%s] %s has help that is a sentence, and a default it would take itself',
    (_section, _name, option) => {
      expect(option.help).toMatch(/^[A-Z].*\.$/)
      if (option.default !== undefined) expect(readValue(option.default, option)).not.toBeInstanceOf(Flaw)
      expect(option.required && option.default).toBeFalsy()
      expect(option.type === 'enum').toBe(option.choices !== undefined)
    },
  )

  test.each(rows)('[%s] %s is in --help', (section, name, option) => {
    const flag = section === 'cinderguard' ? `--${name.replaceAll('_', '-')}` : `--${section}.${name}`
    expect(renderHelp()).toContain(`\n  ${option.type === 'secret' ? variableOf(section, name) : flag} `)
  })

  test('is in the sample, which says nothing until a # is taken away', () => {
    expect(parseIni(renderSample(), 'sample')).toEqual({ entries: [], problems: [] })
    const { entries, problems } = parseIni(renderSample().replace(/^#(?! )/gm, ''), 'sample')
    expect(problems).toEqual([])
    expect(entries.map(({ section, key, value }) => [section, key, value])).toEqual(
      rows.map(([section, name, option]) => [section, name, option.default ?? '']),
    )
  })
})

test('sections and options are listed in one order', () => {
  expect(Object.keys(SECTIONS)).toEqual(Object.keys(OPTIONS))
})

test('config/cinderguard.conf loads', () => {
  const loaded = loadConfig({
    files: [pathOf('config/cinderguard.conf')],
    env: { OS_KEYSTONE_AUTHTOKEN__PASSWORD: 'from the environment' },
  })
  expect(loaded).toMatchObject({
    notices: [],
    config: {
      cinderguard: {
        bind: { kind: 'tcp', host: '192.0.2.10', port: 8776 },
        upstream: 'http://127.0.0.1:18776',
      },
      credentials: {
        keystone_authtoken: { kind: 'password', authUrl: 'http://192.0.2.10:5000/v3' },
        service_user: { kind: 'password', user: { name: 'cinder', domain: { name: 'Default' } } },
      },
    },
  })
})

test('config/cinderguard.conf without the password says so', () => {
  expect(loadConfig({ files: [pathOf('config/cinderguard.conf')] })).toEqual({
    problems: [{ code: 'missing', where: '[keystone_authtoken]', message: 'password is needed' }],
  })
})
