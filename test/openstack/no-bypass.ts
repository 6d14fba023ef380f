import { afterAll, expect } from 'vitest'
import { bypasses } from './shared.ts'

/** However a test ended: nothing that came through a gateway was executed against Cinder's own verdict. */
afterAll(async () => {
  expect(await bypasses(), 'executed through a gateway although the real check refuses it').toEqual([])
})
