/** Compares `major.minor` strings as numbers: negative, zero or positive like a sort callback. */
export function compareMicroversions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number)
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number)
  return leftMajor - rightMajor || leftMinor - rightMinor
}

/** True when `text` has the form OpenStack accepts for one microversion. */
export function isMicroversion(text: string): boolean {
  return /^[1-9]\d*\.([1-9]\d*|0)$/.test(text)
}

/** True when `version` is `least` or newer. */
export function atLeast(version: string, least: string): boolean {
  return compareMicroversions(version, least) >= 0
}
