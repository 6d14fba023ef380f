import { expect, test } from 'vitest'
import { editDistance, nearest } from '../../src/config/nearest.ts'

test.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['abc', 'abd', 1],
  ['abc', 'ab', 1],
  ['abc', 'xabc', 1],
  ['abc', 'acb', 1],
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
])('editDistance %j %j', (a, b, expected) => {
  expect(editDistance(a, b)).toBe(expected)
})

test.each([
  ['upstraem', 'upstream'],
  ['Upstream', 'upstream'],
  ['bnid', 'bind'],
  ['something_else', undefined],
])('nearest %j', (word, expected) => {
  expect(nearest(word, ['bind', 'upstream', 'admin_bind'])).toBe(expected)
})
