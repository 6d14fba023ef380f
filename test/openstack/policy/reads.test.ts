import { afterAll, beforeAll, expect, test } from 'vitest'
import { CALLS } from '../../../src/policy/calls.ts'
import { type Setting, startSetting } from './setting.ts'

/**
 * Everything that can be read, of objects that are there: through a gateway that enforces every rule an admin reads what
 * Cinder alone says, to the byte, but for the address that links lead to. Writes are in `passthrough.test.ts` and `targets.test.ts`.
 */
const READS = Object.keys(CALLS).filter((call) => call.startsWith('GET '))
let setting: Setting
beforeAll(async () => {
  setting = await startSetting()
  await setting.setRules({})
})
afterAll(() => setting.stop())

const statuses: number[] = []
test.each(READS)('%s', async (call) => {
  const { lab, gatewayUrl, send, ids, admin } = setting
  const path = call.split(' ')[1] ?? ''
  const filled = path.replace(/\{([^}]+)\}/g, (_slot, slot: string) => ids[slot] ?? admin.projectId)
  const read = async (base: string): Promise<readonly [number, string]> => {
    const [status, text] = await send(base, 'GET', filled)
    return [status, text.replaceAll(base, 'http://cinder')]
  }
  // What says how long ago something was heard of changes from one moment to the next.
  await expect
    .poll(async () => {
      const [direct, through] = [await read(lab.urls.cinder.legacy), await read(gatewayUrl)]
      statuses.push(direct[0])
      return { through, direct, isSame: JSON.stringify(through) === JSON.stringify(direct) }
    })
    .toMatchObject({ isSame: true })
})

test('most of them are there', () => {
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(READS.length * 0.7)
})
