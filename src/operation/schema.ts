import { type PyObject, type PyValue, pythonRepr, pythonStr } from './json.ts'

/**
 * The JSON schemas of the guarded volume actions (cinder/api/schemas/volume_actions.py and
 * admin_actions.py), checked in the order in which jsonschema would find the first fault.
 * The gateway answers violations itself, so that no difference between validators is a way past it.
 */
type Type = 'object' | 'string' | 'null' | 'boolean'
interface Property {
  /** Accepted JSON types, in the order in which jsonschema names them. */
  readonly types?: readonly Type[]
  /** `uuid`: a uuid string; `uuid-or-null`: a schema with two alternatives. */
  readonly format?: 'uuid' | 'uuid-or-null'
}
interface ActionSchema {
  readonly types: readonly Type[]
  readonly properties: Readonly<Record<string, Property>>
  readonly required?: readonly string[]
}

const CONNECTOR: Property = { types: ['string', 'object', 'null'] }
export const ACTION_SCHEMAS = {
  'os-detach': { types: ['object', 'null'], properties: { attachment_id: { format: 'uuid-or-null' } } },
  'os-force_detach': {
    types: ['object'],
    properties: { connector: CONNECTOR, attachment_id: { types: ['string', 'null'] } },
  },
  'os-terminate_connection': {
    types: ['object'],
    properties: { connector: CONNECTOR },
    required: ['connector'],
  },
  'os-migrate_volume_completion': {
    types: ['object'],
    properties: {
      new_volume: { types: ['string'], format: 'uuid' },
      error: { types: ['string', 'null', 'boolean'] },
    },
    required: ['new_volume'],
  },
} as const satisfies Record<string, ActionSchema>

export type GuardedAction = keyof typeof ACTION_SCHEMAS

export function isGuardedAction(name: string): name is GuardedAction {
  return Object.hasOwn(ACTION_SCHEMAS, name)
}

/** Cinder's message for the first violation, or null when the value fits. */
export function violationOf(action: GuardedAction, value: PyValue): string | null {
  const schema: ActionSchema = ACTION_SCHEMAS[action]
  const at = (name: string, instance: PyValue, message: string): string =>
    `Invalid input for field/attribute ${name}. Value: ${pythonStr(instance)}. ${message}`
  if (!schema.types.some((type) => isType(value, type)))
    return at(action, value, notOfType(value, schema.types))
  if (!(value instanceof Map)) return null
  for (const [name, property] of Object.entries(schema.properties)) {
    const instance = value.get(name)
    if (instance === undefined) continue
    const message = propertyViolation(property, instance)
    if (message !== null) return at(name, instance, message)
  }
  for (const name of schema.required ?? []) {
    if (!value.has(name)) return at(action, value, `'${name}' is a required property`)
  }
  const extra = [...value.keys()].filter((name) => !Object.hasOwn(schema.properties, name))
  if (extra.length > 0) return at(action, value, unexpected(extra))
  return null
}

function propertyViolation(property: Property, instance: PyValue): string | null {
  if (property.format === 'uuid-or-null') {
    const fits = instance === null || (typeof instance === 'string' && isUuidLike(instance))
    return fits ? null : `${pythonRepr(instance)} is not valid under any of the given schemas`
  }
  const types = property.types ?? []
  if (!types.some((type) => isType(instance, type))) return notOfType(instance, types)
  if (property.format === 'uuid' && typeof instance === 'string' && !isUuidLike(instance)) {
    return `${pythonRepr(instance)} is not a 'uuid'`
  }
  return null
}

function notOfType(value: PyValue, types: readonly Type[]): string {
  return `${pythonRepr(value)} is not of type ${types.map((type) => `'${type}'`).join(', ')}`
}

function unexpected(extra: readonly string[]): string {
  const names = extra
    .toSorted()
    .map((name) => pythonRepr(name))
    .join(', ')
  return `Additional properties are not allowed (${names} ${extra.length === 1 ? 'was' : 'were'} unexpected)`
}

function isType(value: PyValue, type: Type): boolean {
  if (type === 'null') return value === null
  if (type === 'object') return value instanceof Map
  return typeof value === type
}

/** oslo.utils `is_uuid_like`: upper case, braces, `urn:uuid:` and missing dashes are all a uuid to it. */
export function isUuidLike(text: string): boolean {
  const bare = withoutBraces(text.replaceAll('urn:', '').replaceAll('uuid:', '')).replaceAll('-', '')
  return /^[0-9a-fA-F]{32}$/.test(bare)
}

/** Python's `strip('{}')`; a regular expression would try each brace of a long row anew. */
function withoutBraces(text: string): string {
  const isBrace = (at: number): boolean => text[at] === '{' || text[at] === '}'
  let start = 0
  let end = text.length
  while (start < end && isBrace(start)) start += 1
  while (end > start && isBrace(end - 1)) end -= 1
  return text.slice(start, end)
}

/** The inner object's string property, or null when it is absent or null. */
export function stringAt(value: PyObject | null, name: string): string | null {
  const found = value?.get(name)
  return typeof found === 'string' ? found : null
}
