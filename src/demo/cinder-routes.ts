import { actOnVolume, isVolumeAction } from './cinder-actions.ts'
import {
  completeAttachment,
  createAttachment,
  deleteAttachment,
  listAttachments,
  showAttachment,
  updateAttachment,
} from './cinder-attachments.ts'
import type { Call } from './cinder-call.ts'
import { createVolume, deleteVolume, listVolumes, showVolume, updateVolume } from './cinder-volumes.ts'
import type { Reply } from './listener.ts'

export interface Route {
  readonly method: string
  readonly pattern: RegExp
  /** Oldest microversion that has it. */
  readonly since: string
  /** `none`: any body is an error. `action`: the one key of the body chooses. */
  readonly body: 'none' | 'object' | 'action'
  readonly knows: (action: string) => boolean
  readonly answer: (call: Call, action: string) => Reply
}

const never = () => false
// The suffix is optional and a newline may follow: that is how Routes compiles Cinder's map.
const at = (path: string) => new RegExp(`^/${path.replaceAll('{id}', '([^/]+?)')}(?:\\.json)?\\n?$`, 's')

function route(method: string, path: string, since: string, answer: (call: Call) => Reply): Route {
  const body = method === 'POST' || method === 'PUT' ? 'object' : 'none'
  return { method, pattern: at(path), since, body, knows: never, answer }
}

/** In the order in which they are tried. */
const ROUTES: readonly Route[] = [
  route('GET', 'volumes', '3.0', (call) => listVolumes(call, false)),
  route('GET', 'volumes/detail', '3.0', (call) => listVolumes(call, true)),
  route('POST', 'volumes', '3.0', createVolume),
  route('GET', 'volumes/{id}', '3.0', showVolume),
  route('PUT', 'volumes/{id}', '3.0', updateVolume),
  route('DELETE', 'volumes/{id}', '3.0', deleteVolume),
  {
    ...route('POST', 'volumes/{id}/action', '3.0', () => ({ status: 202 })),
    body: 'action',
    knows: isVolumeAction,
    answer: actOnVolume,
  },
  route('GET', 'attachments', '3.27', (call) => listAttachments(call, false)),
  route('GET', 'attachments/detail', '3.27', (call) => listAttachments(call, true)),
  route('POST', 'attachments', '3.27', createAttachment),
  route('GET', 'attachments/{id}', '3.27', showAttachment),
  route('PUT', 'attachments/{id}', '3.27', updateAttachment),
  route('DELETE', 'attachments/{id}', '3.27', deleteAttachment),
  {
    ...route('POST', 'attachments/{id}/action', '3.44', completeAttachment),
    body: 'action',
    knows: (action) => action === 'os-complete',
  },
]

export interface Match {
  readonly route: Route
  readonly projectId: string | undefined
  readonly parts: readonly string[]
}

/** Matches the decoded path below `/v3`, with or without a project in front. */
export function match(method: string, path: string): Match | undefined {
  const prefixed = /^\/([0-9a-f-]+)(\/.*)$/s.exec(path)
  for (const [projectId, rest] of [[undefined, path] as const, [prefixed?.[1], prefixed?.[2]] as const]) {
    if (rest === undefined) continue
    for (const candidate of ROUTES) {
      const found = candidate.method === method ? candidate.pattern.exec(rest) : null
      if (found) return { route: candidate, projectId, parts: found.slice(1) }
    }
  }
  return undefined
}

/** The method that Routes matches: `_method` in the query replaces the real one. */
export function routedMethod(method: string, query: string): string {
  if (!query.includes('_method')) return method
  const override = new URLSearchParams(query.replaceAll(';', '&')).getAll('_method').at(-1)
  return override ? override.toUpperCase() : method
}
