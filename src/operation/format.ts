/** The formats that Cinder's routes know; `xml` until Newton. One that a Cinder does not know makes a 404 there. */
const FORMAT = /\.(?:json|xml)$/

/** A path's segments as routes read them: without a format at the end. */
export function withoutFormat(segments: readonly string[]): readonly string[] {
  const last = segments.at(-1)
  return last !== undefined && FORMAT.test(last)
    ? [...segments.slice(0, -1), last.replace(FORMAT, '')]
    : segments
}
