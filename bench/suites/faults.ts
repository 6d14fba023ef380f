import { FALLS, fall, Ground, LIMITS } from '../../test/openstack/falls/falls.ts'
import { startLab } from '../../test/openstack/lab/lab.ts'
import { table } from '../parts/table.ts'

/** Each service of a real OpenStack falls in each way for some seconds, under load: what clients saw, and for how long. */
export async function faults({ seconds = 3 } = {}): Promise<string> {
  const lab = await startLab({ cinders: ['legacy'] })
  const ground = await Ground.prepare(lab)
  try {
    const rows: string[][] = []
    for (const how of FALLS) {
      const seen = await fall(ground, how, seconds)
      rows.push([
        how.service,
        how.name,
        statuses(seen.guarded),
        statuses(seen.reads),
        (seen.slowest / 1000).toFixed(1),
        seen.recovery === Number.POSITIVE_INFINITY ? 'never' : (seen.recovery / 1000).toFixed(1),
        String(seen.executed),
      ])
    }
    const limits = `Limits here: ${LIMITS.call} s for a call, ${LIMITS.decision} s for a decision, ${LIMITS.upstream} s for a forwarded request; no token is cached. Four clients attack and read without pause; each fault lasts ${seconds} s, and what was under way then counts, too. Recovery is counted from its end to the first 409.`
    const head = [
      'service',
      'what it does',
      'guarded calls got',
      'reads got',
      'slowest answer s',
      'recovery s',
      'executed',
    ]
    return `${limits}\n\n${table(head, rows)}`
  } finally {
    await ground.clear()
    await lab.stop()
  }
}

const statuses = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([status, count]) => `${status} × ${count}`)
    .join(', ')
