import fc from 'fast-check'
import { EDITS, editBytes } from './edits.ts'
import { type RawRequest, render } from './raw-request.ts'

/** How a spoilt request is made: from which one, by which edits. Shrinks by leaving edits out. */
export interface Recipe {
  readonly base: number
  readonly edits: readonly (readonly [name: string, a: number, b: number])[]
  readonly bytes: readonly (readonly [kind: number, at: number, value: number])[]
}

export const recipes: fc.Arbitrary<Recipe> = fc.record({
  base: fc.nat(1000),
  edits: fc.array(fc.tuple(fc.constantFrom(...Object.keys(EDITS)), fc.nat(1000), fc.nat(1000)), {
    maxLength: 4,
  }),
  bytes: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(fc.nat(3), fc.nat(2000), fc.nat(1000)), { minLength: 1, maxLength: 3 }),
    },
  ),
})

/** The bytes of a recipe. @param bases makes each request anew, as edits change it. */
export function cook({ base, edits, bytes }: Recipe, bases: readonly (() => RawRequest)[]): Buffer {
  const request = bases[base % bases.length]?.()
  if (request === undefined) throw new Error('there are no requests to begin with')
  for (const [name, a, b] of edits) EDITS[name]?.(request, a, b)
  return bytes.reduce((sofar, [kind, at, value]) => editBytes(sofar, kind, at, value), render(request))
}
