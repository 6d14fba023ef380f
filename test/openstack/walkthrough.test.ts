import { expect, test } from 'vitest'
import { sharedLab } from './shared.ts'
import { walk } from './walkthrough/walk.ts'

/** `npm run walkthrough` tells it as a story. */
test('from nothing to enforce, and back', async () => {
  expect(await walk(await sharedLab(), () => undefined)).toMatchObject({
    bareAttack: 202,
    observedDetach: 200,
    firstReport: 1,
    findings: expect.arrayContaining(['service-token-missing']),
    detachWithToken: 200,
    secondReport: 0,
    attack: 409,
    attachmentAfterAttack: 'attached',
    alerts: expect.arrayContaining(['CinderguardAttackRefused']),
    console: expect.stringContaining('attachment_in_use'),
    detachEnforced: 200,
    attackObserved: 202,
    attackAfterBackOut: 202,
  })
})
