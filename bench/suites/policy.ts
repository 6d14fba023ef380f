import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { completeCredentials } from '../../src/policy/credentials.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { median, spread } from '../parts/stats.ts'
import { table, thousands } from '../parts/table.ts'
import { targets } from '../parts/targets.ts'

const RULES = [
  'volume:get',
  'volume_extension:volume_actions:detach',
  'volume_extension:volume_admin_actions:force_detach',
]
const PROJECT = 'd0000000000000000000000000000001'
const CALLERS: Readonly<Record<string, readonly string[]>> = {
  owner: ['member', 'reader'],
  admin: ['admin', 'member', 'reader'],
}
const TARGET = { project_id: PROJECT, user_id: 'u1', id: 'v1', status: 'in-use' }

interface Case {
  readonly name: string
  readonly rule: string
  readonly credentials: Parameters<typeof completeCredentials>[0]
}
interface Figure {
  readonly verdict: boolean
  readonly perSecond: number
}

/** Decisions a second on Cinder's own rules, beside Debian's oslo.policy, one after the other on one core. */
export async function policy({ rounds = 3, seconds = 1 } = {}): Promise<string> {
  const cases = RULES.flatMap((rule) =>
    Object.entries(CALLERS).map(
      ([caller, roles]): Case => ({
        name: `${rule} by the ${caller}`,
        rule,
        credentials: credentialsOf(roles),
      }),
    ),
  )
  const ours: Figure[][] = []
  const theirs: Figure[][] = []
  for (let round = 0; round <= rounds; round += 1) {
    const found = [decide(cases, seconds), await ask(cases, seconds)] as const
    // The first round is for the engine to compile what is hot.
    if (round === 0) continue
    ours.push(found[0])
    theirs.push(found[1])
  }
  const ratios = cases.map((_case, at) => {
    const [mine = 0, other = 0] = [ours, theirs].map((runs) =>
      median(runs.map((run) => run[at]?.perSecond ?? 0)),
    )
    return mine / other
  })
  const figures = table(
    ['decision', 'verdict', 'Cinderguard /s', 'spread', 'oslo.policy /s', 'spread', 'ratio'],
    cases.map(({ name }, at) => {
      const [mine, other] = [ours, theirs].map((runs) => runs.map((run) => run[at]?.perSecond ?? 0))
      if (mine === undefined || other === undefined) throw new Error('no figures')
      if (ours[0]?.[at]?.verdict !== theirs[0]?.[at]?.verdict) throw new Error(`${name}: the verdicts differ`)
      return [
        name,
        ours[0]?.[at]?.verdict === true ? 'allowed' : 'refused',
        thousands(median(mine)),
        `±${Math.round(spread(mine) * 100)} %`,
        thousands(median(other)),
        `±${Math.round(spread(other) * 100)} %`,
        thousands(median(mine) / median(other)),
      ]
    }),
  )
  return (
    figures +
    targets([
      {
        what: 'the slowest of them beside oslo.policy',
        aim: 'at least',
        goal: 300,
        measured: Math.round(Math.min(...ratios)),
      },
    ])
  )
}

function credentialsOf(roles: readonly string[]): Case['credentials'] {
  return {
    user_id: 'u1',
    project_id: PROJECT,
    roles,
    system_scope: null,
    domain_id: null,
    user_domain_id: 'default',
    project_domain_id: 'default',
    is_admin_project: true,
    service_user_id: null,
    service_user_domain_id: null,
    service_project_id: null,
    service_project_domain_id: null,
    service_roles: [],
  }
}

/** Every verdict goes through whatever the gateway itself calls, with the same objects. */
function decide(cases: readonly Case[], seconds: number): Figure[] {
  const rules = compileRules(new Map())
  if ('problems' in rules) throw new Error('the rules do not load')
  return cases.map(({ rule, credentials }) => {
    const complete = completeCredentials(credentials, rules) as unknown as Record<string, unknown>
    let verdict = false
    let count = 0
    const began = performance.now()
    while (performance.now() - began < seconds * 1000) {
      for (let at = 0; at < 1000; at += 1) verdict = rules.allows(rule, complete, TARGET)
      count += 1000
    }
    return { verdict, perSecond: (count * 1000) / (performance.now() - began) }
  })
}

async function ask(cases: readonly Case[], seconds: number): Promise<Figure[]> {
  const script = new URL('../peers/oslo.py', import.meta.url).pathname
  const child = spawn('/usr/bin/python3', [script], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const rules = compileRules(new Map())
  if ('problems' in rules) throw new Error('the rules do not load')
  const asked = cases.map((each) => ({
    ...each,
    target: TARGET,
    credentials: completeCredentials(each.credentials, rules),
  }))
  child.stdin.end(JSON.stringify({ cases: asked, seconds }))
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`oslo.policy: ${errors}`)
  return JSON.parse(said) as Figure[]
}
