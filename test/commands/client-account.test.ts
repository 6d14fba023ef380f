import { describe, expect, test } from 'vitest'
import { clientAccount } from '../../src/commands/client-account.ts'

const KEYSTONE = 'http://keystone:5000/v3'
const PASSWORD = {
  OS_USERNAME: 'admin',
  OS_PASSWORD: 'p$w',
  OS_PROJECT_NAME: 'admin',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_ID: 'default',
}

describe("the operator's account, from the variables of OpenStack's clients", () => {
  test('a password', () => {
    expect(clientAccount({ ...PASSWORD, OS_AUTH_URL: 'http://elsewhere:5000/v3' }, KEYSTONE)).toMatchObject({
      kind: 'password',
      authUrl: 'http://elsewhere:5000/v3',
      user: { name: 'admin', domain: { name: 'Default' } },
      project: { name: 'admin', domain: { id: 'default' } },
    })
  })
  test('without OS_AUTH_URL the Keystone of the configuration', () => {
    expect(clientAccount(PASSWORD, KEYSTONE)).toMatchObject({ authUrl: KEYSTONE })
  })
  test('an application credential', () => {
    const env = { OS_APPLICATION_CREDENTIAL_ID: 'id', OS_APPLICATION_CREDENTIAL_SECRET: 's' }
    expect(clientAccount(env, KEYSTONE)).toMatchObject({
      kind: 'application_credential',
      credential: { id: 'id' },
    })
  })
  test('none', () => {
    expect(clientAccount({ OS_TOKEN: 't', OS_USERNAME: 'admin' }, KEYSTONE)).toBeNull()
  })
  test('one that is not whole, in the names of the variables', () => {
    expect(clientAccount({ OS_PASSWORD: 'p', OS_USERNAME: 'admin' }, KEYSTONE)).toEqual({
      problems: [
        'OS_USER_DOMAIN_NAME or OS_USER_DOMAIN_ID is needed with the name of the user',
        'OS_PROJECT_NAME or OS_PROJECT_ID is needed',
      ],
    })
  })
  test('a kind that is not spoken', () => {
    expect(clientAccount({ ...PASSWORD, OS_AUTH_TYPE: 'v3oidcpassword' }, KEYSTONE)).toEqual({
      problems: ['OS_AUTH_TYPE v3oidcpassword is not known; use OS_TOKEN'],
    })
  })
})
