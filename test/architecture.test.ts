import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

interface Source {
  /** Below `src/`. */
  readonly path: string
  readonly text: string
  /** What it imports; own files as paths below `src/`. */
  readonly imports: readonly { readonly what: string; readonly typeOnly: boolean }[]
}

const ROOT = join(import.meta.dirname, '../src')
const IMPORT =
  /^(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

function read(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const imports = [...text.matchAll(IMPORT)].map(([, type, from, dynamic]) => {
    const what = from ?? dynamic ?? ''
    return {
      what: what.startsWith('.') ? normalize(join(dirname(path), what)) : what,
      typeOnly: type !== undefined,
    }
  })
  return { path, text, imports }
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map(read)
const isOwn = (what: string): boolean => what.endsWith('.ts') || what.endsWith('.json')

/** Every import that breaks a rule, as `<file> imports <what>`. */
function breaking(rule: (file: Source, what: string, typeOnly: boolean) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter(({ what, typeOnly }) => rule(file, what, typeOnly))
      .map(({ what }) => `${file.path} imports ${what}`),
  )
}
const matching = (pattern: RegExp, except = /^$/): string[] =>
  files.filter(({ path, text }) => !except.test(path) && pattern.test(codeOf(text))).map(({ path }) => path)

/** Judge without waiting and without the world: no clock, no Node, no package. Arithmetic on addresses is let in. */
const PURE =
  /^(?:operation|checks|rollout)\/|^policy\/(?!source|load)|^http\/(?:rejection|fault)\.ts$|^record\/(?:record|cadf)\.ts$|^identity\/identity\.ts$|^stage-clock\.ts$/
/** The words that all layers speak. */
const WORDS = /^(?:http\/rejection|identity\/identity|operation\/operation|checks\/check)\.ts$/
/** Puts the parts together; imported by its own kind only. */
const WIRING = /^(?:app|back|express|front|tokens|server|serve|main)\.ts$|^(?:admin|commands|demo|workers)\//

test('there is something to look at', () => {
  expect(files.length).toBeGreaterThan(50)
  expect(files.find(({ path }) => path === 'identity/jws.ts')?.imports).toContainEqual({
    what: 'jose',
    typeOnly: false,
  })
})

describe('pure code', () => {
  test('imports neither Node nor packages', () => {
    expect(
      breaking(
        ({ path }, what) =>
          PURE.test(path) && !isOwn(what) && !(path === 'policy/extensions.ts' && what === 'node:net'),
      ),
    ).toEqual([])
  })
  test('takes values from pure code only', () => {
    const isPure = (what: string) => PURE.test(what) || what.endsWith('.json')
    expect(
      breaking(({ path }, what, typeOnly) => PURE.test(path) && isOwn(what) && !typeOnly && !isPure(what)),
    ).toEqual([])
  })
  test('waits for nothing and reads no clock', () => {
    const impure = /\basync\b|\bawait\b|\bDate\.now\b|\bperformance\.|Math\.random|\bprocess\./
    expect(matching(impure).filter((path) => PURE.test(path))).toEqual([])
  })
})

describe('layers', () => {
  test('words import words', () => {
    const allowed = (what: string) => WORDS.test(what) || what === 'config/secret.ts'
    expect(breaking(({ path }, what) => WORDS.test(path) && !allowed(what))).toEqual([])
  })
  test('the life of a request, and its asking of the checks, take values from words only', () => {
    const isLife = (path: string) => /^(?:gateway|checking|stage-clock)\.ts$/.test(path)
    expect(
      breaking(
        ({ path }, what, typeOnly) =>
          isLife(path) && !typeOnly && isOwn(what) && !WORDS.test(what) && !isLife(what),
      ),
    ).toEqual([])
  })
  test('nothing below the wiring imports it', () => {
    expect(breaking(({ path }, what) => WIRING.test(what) && !WIRING.test(path))).toEqual([])
  })
  test('nothing imports main.ts, and production code nothing of the demo', () => {
    expect(breaking((_file, what) => what === 'main.ts')).toEqual([])
    expect(
      breaking(({ path }, what) => what.startsWith('demo/') && !/^(?:demo\/|commands\/demo\.ts)/.test(path)),
    ).toEqual([])
  })
})

/** Who may import which package; `type` for a type import alone. */
const PACKAGES: Readonly<Record<string, { readonly value: RegExp; readonly type?: RegExp }>> = {
  jose: { value: /^identity\/(?:jws|shared-cache)\.ts$|^organisation\/bundle\.ts$/ },
  'lru-cache': { value: /^identity\/cache\.ts$/ },
  cockatiel: { value: /^clouds\/client\.ts$/ },
  memcache: { value: /^clouds\/memcached\.ts$/ },
  undici: { value: /^clouds\/client\.ts$|^forward\/undici\.ts$/ },
  'http-proxy-3': { value: /^forward\/http-proxy-3\.ts$/ },
  'prom-client': {
    value: /^record\/(?:metrics|process-metrics|tally)\.ts$|^workers\/together\.ts$/,
    type: /^admin\/|^back\.ts$|^workers\//,
  },
  express: { value: /^(?:express\.ts|admin\/)/ },
  pino: {
    value: /^record\/(?:log|background)\.ts$/,
    type: /^(?:app|back|front|serve|server|reason-of)\.ts$|^(?:commands|record|trace|workers)\//,
  },
  '@opentelemetry/api': { value: /^trace\/(?:opentelemetry|span-context|traced-stages)\.ts$/ },
  '@opentelemetry/sdk-trace': { value: /^trace\/opentelemetry\.ts$/ },
  '@opentelemetry/resources': { value: /^trace\/opentelemetry\.ts$/ },
  '@opentelemetry/exporter-trace-otlp-http': { value: /^trace\/opentelemetry\.ts$/ },
  yaml: { value: /^policy\/(?:source|load|load-cases)\.ts$|^demo\// },
}

test('OpenTelemetry is loaded by a dynamic import alone', () => {
  const isTracing = (path: string) => /^trace\/(?:opentelemetry|span-context|traced-stages)\.ts$/.test(path)
  const statically = files
    .filter(({ path }) => !isTracing(path))
    .filter(({ text }) =>
      /^import (?!type\b).*from '.*\/(?:opentelemetry|span-context|traced-stages)\.ts'/m.test(text),
    )
  expect(statically).toEqual([])
})

test('each package has its one place', () => {
  expect(
    breaking(({ path }, what, typeOnly) => {
      if (isOwn(what) || isBuiltin(what)) return false
      const rule = PACKAGES[what]
      return rule === undefined || !(rule.value.test(path) || (typeOnly && rule.type?.test(path)))
    }),
  ).toEqual([])
})

describe('every file', () => {
  test('has at most 250 lines', () => {
    const isTable = /^(?:config\/options|http\/rejection)\.ts$/
    expect(
      files
        .filter(({ path, text }) => !isTable.test(path) && text.split('\n').length > 251)
        .map(({ path }) => path),
    ).toEqual([])
  })
  test('imports Node as node:', () => {
    expect(breaking((_file, what) => isBuiltin(what) && !what.startsWith('node:'))).toEqual([])
  })
  test('exports by name', () => {
    expect(matching(/^export default\b|\bas default\b/m)).toEqual([])
  })
  test('prints nothing, but the commands and the demo', () => {
    expect(matching(/\bconsole\./, /^(?:main\.ts|demo\/|commands\/)/)).toEqual([])
  })
  test('but gateway.ts can make no Approved', () => {
    expect(matching(/\[approval\]|\bas\s+(?:unknown\s+as\s+)?Approved\b|unique symbol/)).toEqual([
      'gateway.ts',
    ])
  })
})

/** Without comments and plain strings, whose words are only words. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(?<!:)\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
}
