import { describe, expect, test } from 'vitest'
import { checkOwnToken } from '../../src/clouds/own-token.ts'
import { withServiceToken } from '../../src/clouds/service-token.ts'
import type { Session } from '../../src/clouds/session.ts'
import { Secret } from '../../src/config/secret.ts'
import { fakeValidator, tokenOf } from '../identity/identities.ts'

/** A session whose tokens are `own-1`, `own-2`, …: one more after each that is forgotten. */
function sessionOf() {
  let number = 1
  const session = (): Session => ({
    token: new Secret(`own-${number}`),
    projectId: null,
    catalog: [],
    expiresAt: 0,
  })
  return {
    get: async () => session(),
    invalidate(old: Session) {
      if (old.token.reveal() === `own-${number}`) number += 1
    },
  }
}

describe('our own token', () => {
  test.each([
    ['is good', ['own-1'], null],
    ['was revoked: a new one is good', ['own-2'], null],
    ['is refused again and again', [], 'keystone: our own token is refused'],
  ])('%s', async (_what, good, problem) => {
    const validator = fakeValidator(Object.fromEntries(good.map((text) => [text, tokenOf()])))
    const session = sessionOf()
    const checked = checkOwnToken(session, validator, session)
    if (problem === null) await checked
    else await expect(checked).rejects.toThrow(problem)
  })
})

describe('a question with our service token', () => {
  const asked = async (good: readonly string[], accepted: readonly string[]) => {
    const validator = fakeValidator(Object.fromEntries(good.map((text) => [text, tokenOf()])))
    const sent: string[] = []
    const ask = withServiceToken(sessionOf(), validator)
    const answer = await ask(
      async ({ 'x-service-token': token }) => {
        sent.push(token)
        return accepted.includes(token) ? 'ok' : 'refused'
      },
      (found) => found === 'refused',
    )
    return { answer, sent }
  }
  test.each([
    ['is asked once when it is answered', ['own-1'], ['own-1'], 'ok', ['own-1']],
    ['is asked again when Keystone refuses our token too', ['own-2'], ['own-2'], 'ok', ['own-1', 'own-2']],
    ["is not when our token is good: it was the caller's", ['own-1'], [], 'refused', ['own-1']],
    ['is asked no third time', [], [], 'refused', ['own-1', 'own-2']],
  ])('%s', async (_what, good, accepted, answer, sent) => {
    expect(await asked(good, accepted)).toEqual({ answer, sent })
  })
})
