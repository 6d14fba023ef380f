import { expect, expectTypeOf, test } from 'vitest'
import type { Address } from '../../src/config/option.ts'
import type { Config } from '../../src/config/options.ts'
import type { Secret } from '../../src/config/secret.ts'

test('the type of Config follows the table', () => {
  expectTypeOf<Config['cinderguard']['bind']>().toEqualTypeOf<Address>()
  expectTypeOf<Config['cinderguard']['upstream']>().toEqualTypeOf<string>()
  expectTypeOf<Config['cinderguard']['mode']>().toEqualTypeOf<'enforce' | 'observe'>()
  expectTypeOf<Config['cinderguard']['nova_endpoint_override']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<Config['DEFAULT']['osapi_max_limit']>().toEqualTypeOf<number>()
  expectTypeOf<Config['keystone_authtoken']['password']>().toEqualTypeOf<Secret | undefined>()
  expectTypeOf<Config['keystone_authtoken']['service_token_roles']>().toEqualTypeOf<readonly string[]>()
  expectTypeOf<Config['nova']['interface']>().toEqualTypeOf<'public' | 'internal' | 'admin'>()
  expectTypeOf<Config['oslo_policy']['enforce_scope']>().toEqualTypeOf<boolean>()
  // @ts-expect-error no such option
  type _Unknown = Config['cinderguard']['nope']
  expect.assertions(0)
})
