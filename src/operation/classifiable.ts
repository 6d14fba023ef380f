import type { CompleteRequest } from '../http/request.ts'
import type { Classifiable } from './classify.ts'

/** What classification reads of a request, and the query, by which some operations have rules of their own. */
export function classifiable(request: CompleteRequest): Classifiable & { readonly query: string } {
  return {
    mount: request.path.mount,
    segments: request.path.segments,
    query: request.path.query,
    method: request.method,
    body: request.body,
    contentType: request.headers.get('content-type'),
    apiVersion: request.headers.get('openstack-api-version'),
  }
}
