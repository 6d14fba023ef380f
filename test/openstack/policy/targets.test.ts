import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ATTRIBUTES, type ObjectFamily } from '../../../src/policy/attributes.ts'
import { type Setting, startSetting } from './setting.ts'

/** One call for each kind of target, and the rule that is judged against it. */
const CALLS: readonly (readonly [ObjectFamily, rule: string, call: string, body?: object])[] = [
  ['volume', 'volume:update', 'PUT /volumes/{volume_id}', { volume: { name: 'n' } }],
  ['volume', 'volume:delete_transfer', 'DELETE /volume-transfers/{transfer_id}'],
  [
    'attachment',
    'volume:attachment_update',
    'PUT /attachments/{attachment_id}',
    { attachment: { connector: { host: 'h', ip: '10.0.0.1', initiator: 'iqn.a' } } },
  ],
  ['snapshot', 'volume:update_snapshot', 'PUT /snapshots/{snapshot_id}', { snapshot: { name: 'n' } }],
  ['backup', 'backup:update', 'PUT /backups/{backup_id}', { backup: { name: 'n' } }],
  ['group', 'group:update', 'PUT /groups/{group_id}', { group: { name: 'n' } }],
  ['group_snapshot', 'group:delete_group_snapshot', 'DELETE /group_snapshots/{group_snapshot_id}'],
  ['message', 'message:delete', 'DELETE /messages/{message_id}'],
  ['volume_type', 'volume_extension:type_get', 'GET /types/{type_id}'],
]
/** Attributes of the whole object that the gateway's target has as well, under another rule of Cinder's context. */
const CONTEXT = ['project_id', 'user_id']

let setting: Setting
/** What was asked of the server that the rule names. */
const targets: Record<string, unknown>[] = []
const judge = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const form = new URLSearchParams(Buffer.concat(chunks).toString())
  targets.push(JSON.parse(form.get('target') ?? '{}') as Record<string, unknown>)
  response.end('False')
})
let url = ''
beforeAll(async () => {
  setting = await startSetting()
  await new Promise<void>((resolve) => judge.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(judge.address() as AddressInfo).port}/`
})
afterAll(async () => {
  judge.close()
  await setting.stop()
})

describe.each(['admin', 'member'] as const)('asked by %s', (who) => {
  test.for(CALLS)('a %s is to the gateway what it is to Cinder: %s', async ([family, rule, call, body]) => {
    const { lab, gatewayUrl, send, setRules, ids } = setting
    const caller = await lab.token(who, 'demo')
    const [method = '', path = ''] = call.split(' ')
    const filled = path.replace(/\{([^}]+)\}/g, (_slot, slot: string) => ids[slot] ?? '')
    await setRules({ [rule]: url })
    targets.length = 0
    const answers = [
      await send(lab.urls.cinder.fixed, method, filled, body, caller),
      await send(gatewayUrl, method, filled, body, caller),
    ]
    expect(answers[1]).toEqual(answers[0])
    const [theirs, ours] = targets
    if (theirs === undefined || ours === undefined) throw new Error(`not asked: ${JSON.stringify(answers)}`)
    // All that the gateway knows is true,
    expect(theirs).toMatchObject(ours)
    expect(Object.keys(ours)).toEqual(
      expect.arrayContaining(['id', ...CONTEXT.filter((name) => name in ours)]),
    )
    // and whatever else there is, it knows that it does not know.
    const { shown, never } = ATTRIBUTES[family]
    const unheard = Object.keys(theirs).filter(
      (name) => !Object.hasOwn(shown, name) && !never.includes(name) && !CONTEXT.includes(name),
    )
    expect(unheard).toEqual([])
  })
})
