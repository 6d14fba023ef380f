import { afterAll, expect, test } from 'vitest'
import { CATALOGUE } from '../../../src/policy/catalogue.ts'
import { type CompiledRule, compile, PolicyError } from '../../../src/policy/evaluate.ts'
import { isProblem, parseRule, type Rule } from '../../../src/policy/grammar.ts'
import { compileRules, type Override } from '../../../src/policy/ruleset.ts'
import { readRules } from '../../../src/policy/source.ts'
import { credentialsOf, Dice, ruleOf, targetOf } from './generator.ts'
import { startOracle } from './oracle.ts'

const DECISIONS = Number(process.env.POLICY_DECISIONS ?? 5_000)
const SEED = Number(process.env.POLICY_SEED ?? 2_004_555)
const oracle = startOracle()
afterAll(() => oracle.close())

type Result = boolean | 'error'
const PLACE = { file: 'p', line: 1, column: 1 }

/** The stand-in for another server, as in oslo.py. */
const remote = (url: string): boolean => [...url].length % 2 === 0

function outcome(decide: () => boolean): Result {
  try {
    return decide()
  } catch (error) {
    if (error instanceof PolicyError) return 'error'
    throw error
  }
}

const simplified = (answer: unknown): Result => (typeof answer === 'boolean' ? answer : 'error')

/** Our message is about the whole rule; oslo.policy refuses everybody then, or, of one lone word, fails. */
const ABOUT_STRUCTURE =
  /is expected|closes nothing|never closed|is missing before|bare string|only white space/

test(`decides as oslo.policy does, ${DECISIONS} times`, { timeout: 1_800_000 }, async () => {
  const dice = new Dice(SEED)
  const counts = { true: 0, false: 0, error: 0, structure: 0, check: {} as Record<string, number>, laxer: 0 }
  const differences: unknown[] = []
  let decisions = 0
  while (decisions < DECISIONS) {
    const theirs: Record<string, unknown> = {}
    const ours = new Map<string, Rule>()
    const names: string[] = []
    const refused: { name: string; check: unknown; structure: boolean; message: string }[] = []
    for (let index = 0; index < 8; index += 1) {
      const name = `r${index}`
      const check = ruleOf(dice, names)
      const rule = parseRule(check)
      if (isProblem(rule)) {
        const structure = ABOUT_STRUCTURE.test(rule.message)
        refused.push({ name: `raw${index}`, check, structure, message: rule.message })
        theirs[`raw${index}`] = check
      }
      theirs[name] = isProblem(rule) ? '!' : check
      ours.set(name, isProblem(rule) ? { kind: 'never' } : rule)
      names.push(name)
    }
    const named = (name: string): CompiledRule => compile(ours.get(name) ?? { kind: 'never' }, named)
    const compiled = new Map(names.map((name) => [name, named(name)]))
    const cases = Array.from({ length: 24 }, (_, index) => {
      const credentials = credentialsOf(dice)
      return { rule: names[index % names.length] ?? '', credentials, target: targetOf(dice, credentials) }
    })
    const strict = refused.map(({ name }) => ({
      rule: name,
      credentials: cases[0]?.credentials,
      target: cases[0]?.target,
    }))
    const answers = (await oracle.ask({ rules: theirs, cases: [...cases, ...strict] })) as unknown[]
    for (const [index, { rule, credentials, target }] of cases.entries()) {
      const withSystem = credentials.system_scope
        ? { ...credentials, system: credentials.system_scope }
        : credentials
      const mine = outcome(() => compiled.get(rule)?.decide(withSystem, target, remote) ?? false)
      const their = simplified(answers[index])
      counts[`${their}`] += 1
      if (mine !== their)
        differences.push({
          rule,
          check: theirs[rule],
          credentials,
          target,
          mine,
          their: answers[index],
          rules: theirs,
        })
    }
    for (const [index, { structure, message, check }] of refused.entries()) {
      const their = simplified(answers[cases.length + index])
      if (structure) {
        counts.structure += 1
        if (their === true) differences.push({ check, message, their })
      } else {
        const reason = message.replace(/^"[\s\S]*" /, '')
        counts.check[reason] = (counts.check[reason] ?? 0) + 1
        if (their === true) counts.laxer += 1
      }
    }
    decisions += cases.length
  }
  console.log(JSON.stringify({ decisions, differing: differences.length, ...counts }, null, 1))
  expect(differences.slice(0, 5)).toEqual([])
})

test("Cinder's rules under random overrides, old names and both kinds of defaults", {
  timeout: 1_800_000,
}, async () => {
  const dice = new Dice(SEED + 1)
  const NAMES = CATALOGUE.map((row) => row.name)
  const OLD = [
    ...new Set(
      CATALOGUE.flatMap((row) =>
        row.deprecated && !NAMES.includes(row.deprecated.name) ? [row.deprecated.name] : [],
      ),
    ),
  ]
  const CHECKS = [
    'role:member',
    'rule:admin_api',
    'rule:admin_or_owner',
    '@',
    '!',
    '',
    'is_admin:True',
    'user_id:%(user_id)s',
    'role:reader and project_id:%(project_id)s',
    'not role:admin',
  ]
  const differences: unknown[] = []
  let decisions = 0
  let refused = 0
  for (let round = 0; round < DECISIONS / 1000; round += 1) {
    const rules: Record<string, string> = {}
    for (let count = dice.below(8); count > 0; count -= 1) {
      const name = dice.pick(
        dice.chance(0.4) ? OLD : dice.chance(0.2) ? ['admin_or_owner', 'admin_api', 'default'] : NAMES,
      )
      const current = CATALOGUE.filter((row) => row.deprecated?.name === name)
      rules[name] =
        current.length > 0 && dice.chance(0.4) ? `rule:${dice.pick(current).name}` : dice.pick(CHECKS)
    }
    const enforceNewDefaults = dice.chance(0.5)
    const set = compileRules(
      new Map(Object.entries(rules).map(([name, check]) => [name, { check, place: PLACE }])),
      { enforceNewDefaults },
    )
    if ('problems' in set) {
      refused += 1
      continue
    }
    const person = () => {
      const roles = ['member', 'reader', 'admin', 'auditor'].filter(() => dice.chance(0.4))
      const project_id = dice.pick(['p1', 'p2', null])
      const user_id = dice.pick(['u1', 'u2'])
      const system_scope = dice.chance(0.2) ? 'all' : null
      return {
        user_id,
        project_id,
        domain_id: null,
        system_scope,
        roles,
        is_admin: dice.chance(0.3),
        is_admin_project: dice.chance(0.7),
      }
    }
    const cases = [...NAMES, ...Object.keys(rules)].map((rule) => ({
      rule,
      credentials: person(),
      target: {
        user_id: dice.pick(['u1', 'u2']),
        ...(dice.chance(0.9) ? { project_id: dice.pick(['p1', 'p2', null]) } : {}),
      },
    }))
    const answers = (await oracle.ask({ rules, defaults: CATALOGUE, enforceNewDefaults, cases })) as unknown[]
    for (const [index, { rule, credentials, target }] of cases.entries()) {
      const mine = outcome(() => set.allows(rule, credentials, target))
      if (mine !== simplified(answers[index]))
        differences.push({
          rules,
          rule,
          credentials,
          target,
          enforceNewDefaults,
          mine,
          their: answers[index],
        })
    }
    decisions += cases.length
  }
  console.log(JSON.stringify({ decisions, refused, differing: differences.length }))
  expect(differences.slice(0, 5)).toEqual([])
})

test('a file that we accept says to PyYAML what it says to us', { timeout: 600_000 }, async () => {
  const dice = new Dice(SEED + 2)
  const KEYS = [
    'a',
    '"b"',
    "'c'",
    'volume:get',
    '"volume:get"',
    'yes',
    '12',
    '12:30',
    '~',
    'x y',
    '? z',
    '<<',
    '&k k',
    '=',
  ]
  const VALUES = [
    '',
    '""',
    "''",
    '@',
    '"@"',
    '!',
    '"!"',
    '!!str role:x',
    '! "x"',
    '~',
    'null',
    'yes',
    'n',
    'y',
    '5',
    '0x1f',
    '1:20',
    '1e3',
    '2001-01-01',
    'role:x',
    'role:x # c',
    'role:x#c',
    "'x':%(y)s",
    '"\'x\':%(y)s"',
    "'it''s:x'",
    '"a\\u0041:\\x41\\n"',
    '"\\/"',
    '[]',
    '[[]]',
    '[["role:x", role:y], role:z]',
    '{a: b}',
    '>\n  role:x\n  or role:y\n',
    '|\n  role:x\n',
    '>-\n  a:1\n\n  b:2',
    'role:x\n  or role:y',
    '"role:x\n  or role:y"',
    'a: b',
    'role:x or',
    '%(a)s',
    '`x`',
    '&v role:x',
    '*v',
    '"a\\\n  b"',
    "'a\n\n  b'",
    'role:x:',
    'not (a:1)',
    '-',
    '- x',
    '?',
    '=',
    'rôle:x',
    'role:a,b',
    '{',
    '"',
    '.inf',
    '0o7',
    '010',
    '+1',
    '1_000',
    'TRUE',
    'Null',
    '.5',
    '<<',
  ]
  const LINES = ['# c', '---', '...', '', '%YAML 1.1', '\t', '- x']
  const counts = { files: 0, accepted: 0, rules: 0, refusedByPyYaml: 0 }
  const differences: unknown[] = []
  for (; counts.files < DECISIONS / 5; counts.files += 1) {
    const rows = Array.from({ length: 1 + dice.below(3) }, () =>
      dice.chance(0.1)
        ? dice.pick(LINES)
        : `${dice.pick(KEYS)}:${dice.pick([' ', ' ', ' ', '  ', '\t', ''])}${dice.pick(VALUES)}`,
    )
    const text = dice.chance(0.1)
      ? `{${rows.map((row) => row.replace(/^([^"].*?):/, '"$1":')).join(',\n\t')}}`
      : rows.join(dice.pick(['\n', '\n', '\r\n']))
    const overrides = new Map<string, Override>()
    const problems = readRules('p', text, overrides)
    if (problems.length > 0) continue
    counts.accepted += 1
    counts.rules += overrides.size
    const mine = Object.fromEntries([...overrides].map(([name, { check }]) => [name, check]))
    const their = await oracle.ask({ yaml: text })
    if (their === 'ValueError' || their === 'ConstructorError') {
      counts.refusedByPyYaml += 1
    } else if (JSON.stringify(mine) !== JSON.stringify(their)) differences.push({ text, mine, their })
  }
  console.log(JSON.stringify({ ...counts, differing: differences.length }))
  expect(differences.slice(0, 8)).toEqual([])
})
