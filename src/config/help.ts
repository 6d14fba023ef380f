import { keepGenerated } from '../generated.ts'
import type { Option } from './option.ts'
import { OPTIONS, SECTIONS } from './options.ts'
import { flagOf, variableOf } from './sources.ts'
import { wrap } from './wrap.ts'

/** What a type looks like in a file, for people. */
const TYPE_NAMES = {
  string: 'text',
  secret: 'secret',
  int: 'whole number',
  float: 'number',
  bool: 'true or false',
  list: 'list, comma-separated',
  multi: 'text, may be repeated',
  address: 'HOST:PORT or unix:/PATH',
  url: 'URL',
  enum: 'one of',
  path: 'path',
  regex: 'regular expression',
} as const satisfies Record<Option['type'], string>

const GENERATED = 'made from src/config/options.ts by `node src/config/help.ts --write`'

/** The part of `--help` about options. */
export function renderHelp(): string {
  const lines = [
    'Configuration, later ones override earlier ones:',
    '  --config-file FILE   may be repeated; the last file wins',
    '  --config-dir DIR     its *.conf files by name, after all files',
    '  OS_<SECTION>__<NAME> environment variables',
    '  --name VALUE         an option of [cinderguard]; --section.name VALUE one of another section',
  ]
  for (const [section, options] of sections()) {
    lines.push('', `[${section}] ${SECTIONS[section]}`)
    for (const [name, option] of options) {
      const flag = option.type === 'secret' ? `${variableOf(section, name)} (no flag)` : flagOf(section, name)
      lines.push(
        `  ${flag}  ${factsOf(option).join('; ')}`,
        ...wrap(option.help, 100).map((line) => `      ${line}`),
      )
    }
  }
  return `${lines.join('\n')}\n`
}

/** A configuration file with every option, all commented out. */
export function renderSample(): string {
  const lines = [`# Every option of Cinderguard with its default; ${GENERATED}.`]
  for (const [section, options] of sections()) {
    lines.push('', `[${section}]`, ...wrap(SECTIONS[section], 96).map((line) => `# ${line}`))
    for (const [name, option] of options) {
      const facts = factsOf(option).filter((fact) => !fact.startsWith('default '))
      lines.push('', ...wrap(option.help, 96).map((line) => `# ${line}`), `# (${facts.join('; ')})`)
      lines.push(`#${name} = ${(option.default ?? '').replaceAll('$', () => '$$')}`.trimEnd())
    }
  }
  return `${lines.join('\n')}\n`
}

/** The reference of all options, in Markdown. */
export function renderReference(): string {
  const lines = [
    '# Options',
    '',
    `<!-- ${GENERATED} -->`,
    '',
    'Files are in the format of oslo.config. An option is taken from the first of these that sets it: a flag, the',
    'environment variable `OS_<SECTION>__<NAME>`, the files of `--config-dir` (the last by name first), the files of',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what operators write
    '`--config-file` (the last first), its default. `$name` and `${section.name}` stand for other options; a dollar',
    'sign is written `$$`, in passwords too.',
  ]
  for (const [section, options] of sections()) {
    lines.push('', `## [${section}]`, '', SECTIONS[section])
    for (const [name, option] of options) {
      const facts = factsOf(option).map((fact) => `- ${fact}`)
      lines.push(
        '',
        `### ${name}`,
        '',
        option.help,
        '',
        ...facts,
        `- environment \`${variableOf(section, name)}\``,
      )
    }
  }
  return `${lines.join('\n')}\n`
}

function sections() {
  return (Object.keys(SECTIONS) as (keyof typeof SECTIONS)[]).map(
    (section) => [section, Object.entries<Option>(OPTIONS[section])] as const,
  )
}

function factsOf(option: Option): readonly string[] {
  const { min, max } = option
  const kind = [TYPE_NAMES[option.type], option.choices?.join(', ')].filter(Boolean).join(' ')
  const facts = [option.unit === undefined ? kind : `${kind} of ${option.unit}`]
  if (min !== undefined && max !== undefined) facts.push(`from ${min} to ${max}`)
  if (option.required) facts.push('required')
  else if (option.default === '') facts.push('default empty')
  else facts.push(option.default === undefined ? 'not set by default' : `default ${option.default}`)
  if (option.live === true) facts.push('re-read at SIGHUP')
  if (option.deprecated !== undefined) facts.push(`old names ${option.deprecated.join(', ')}`)
  return facts
}

/** The generated files, by path from the root of the project. */
export const GENERATED_FILES = {
  'config/cinderguard.conf.sample': renderSample,
  'docs/options.md': renderReference,
} as const satisfies Record<string, () => string>

if (import.meta.main)
  for (const [name, render] of Object.entries(GENERATED_FILES))
    keepGenerated(name, render(), 'src/config/help.ts')
