import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'

/** Loads a configuration made of options alone; the keys are `section.name`. */
function load(options: Readonly<Record<string, string>>) {
  const loaded = loadConfig({ overrides: { 'cinderguard.upstream': 'http://c', ...options } })
  return 'config' in loaded
    ? loaded.config.credentials
    : loaded.problems.map(({ code, where, message }) => `${code} ${where}: ${message}`)
}

function prefixed(section: string, options: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [`${section}.${name}`, value]))
}

const password = { auth_url: 'http://k/v3/', user_id: 'u', password: 'p', project_id: 'q' }
const application = { auth_type: 'v3applicationcredential', auth_url: 'http://k' }
const common = { authUrl: 'http://k/v3', kind: 'password' }

describe('[keystone_authtoken] gives', () => {
  test.each([
    ['ids', password, { user: { id: 'u' }, project: { id: 'q' } }],
    [
      'names with domains',
      {
        auth_url: 'http://k/v3',
        username: 'n',
        user_domain_name: 'D',
        password: 'p',
        project_name: 'm',
        project_domain_id: 'd',
      },
      { user: { name: 'n', domain: { name: 'D' } }, project: { name: 'm', domain: { id: 'd' } } },
    ],
    [
      'the default domain',
      {
        auth_url: 'http://k/v3',
        username: 'n',
        password: 'p',
        project_name: 'm',
        default_domain_id: 'default',
      },
      { user: { name: 'n', domain: { id: 'default' } }, project: { name: 'm', domain: { id: 'default' } } },
    ],
    ['v3password', { ...password, auth_type: 'v3password' }, { user: { id: 'u' } }],
  ])('%s', (_name, options, expected) => {
    expect(load(prefixed('keystone_authtoken', options))).toMatchObject({
      keystone_authtoken: { ...common, ...expected },
      service_user: undefined,
    })
  })

  test.each([
    [
      'an application credential by id',
      { ...application, application_credential_id: 'i', application_credential_secret: 's' },
      { id: 'i' },
    ],
    [
      'an application credential by name',
      { ...application, application_credential_name: 'a', application_credential_secret: 's', user_id: 'u' },
      { name: 'a', user: { id: 'u' } },
    ],
  ])('%s', (_name, options, credential) => {
    expect(load(prefixed('keystone_authtoken', options))).toMatchObject({
      keystone_authtoken: { kind: 'application_credential', authUrl: 'http://k', credential },
    })
  })
})

describe('[keystone_authtoken] lacks', () => {
  test.each([
    [
      'domains of names',
      { auth_url: 'http://k', username: 'n', password: 'p', project_name: 'm' },
      [
        'user_domain_name or user_domain_id is needed with the name of the user',
        'project_domain_name or project_domain_id is needed with the name of the project',
      ],
    ],
    [
      'all of an application credential',
      { auth_type: 'v3applicationcredential' },
      [
        'auth_url is needed',
        'application_credential_secret is needed',
        'application_credential_id or application_credential_name is needed',
      ],
    ],
    [
      'the owner of a name',
      { ...application, application_credential_name: 'a', application_credential_secret: 's' },
      ['user_id or username is needed with application_credential_name'],
    ],
  ])('%s', (_name, options, messages) => {
    const expected = messages.map((message) => `missing [keystone_authtoken]: ${message}`)
    expect(load(prefixed('keystone_authtoken', options))).toEqual(expected)
  })
})

describe('[service_user]', () => {
  const identity = prefixed('keystone_authtoken', password)
  const sends = { 'service_user.send_service_user_token': 'true' }
  test.each([
    ['sends nothing by default', {}, undefined],
    ['is not judged while it sends nothing', { 'service_user.username': 'half' }, undefined],
    ['borrows the account', sends, { user: { id: 'u' } }],
    [
      'has its own',
      { ...sends, ...prefixed('service_user', { ...password, user_id: 's' }) },
      { user: { id: 's' } },
    ],
    [
      'points elsewhere',
      { ...sends, 'service_user.auth_section': 'keystone_authtoken' },
      { user: { id: 'u' } },
    ],
  ])('%s', (_name, options, expected) => {
    const credentials = load({ ...identity, ...options })
    const service = 'service_user' in credentials ? credentials.service_user : credentials
    if (expected === undefined) expect(service).toBeUndefined()
    else expect(service).toMatchObject(expected)
  })
})
