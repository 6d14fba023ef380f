import type { Calls } from './calls/call-rule.ts'
import { CLOUD_CALLS } from './calls/cloud.ts'
import { COPY_CALLS } from './calls/copies.ts'
import { GROUP_CALLS } from './calls/groups.ts'
import { VOLUME_CALLS } from './calls/volumes.ts'

/**
 * Every call of the block storage API that Cinder 21 serves, as `METHOD /path action` below /v3 and the project, with
 * the rules that Cinder asks for it, in its order: read in its source, as the documentation of its rules leaves out
 * some of the calls and all of the order. Rules that hide parts of an answer, or come up at a later stage, are not
 * here: see NOT_ENFORCED.
 */
export const CALLS: Calls = { ...VOLUME_CALLS, ...COPY_CALLS, ...GROUP_CALLS, ...CLOUD_CALLS }
