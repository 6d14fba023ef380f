/** JSON text as Python's `json.dumps` writes it: `", "` and `": "` between parts, ASCII only. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return `{${members.map(([name, member]) => `${pythonJson(name)}: ${pythonJson(member)}`).join(', ')}}`
  }
  return (JSON.stringify(value) ?? 'null').replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Reads JSON as Python does: strict UTF-8, a BOM is an error, NaN and Infinity are numbers (here null). */
export function readPythonJson(bytes: Uint8Array): { value: unknown } | 'malformed' {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const finite = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/gs, (part) =>
      part[0] === '"' ? part : 'null',
    )
    return { value: JSON.parse(finite) }
  } catch {
    return 'malformed'
  }
}
