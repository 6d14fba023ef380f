import type { LabProject } from './accounts.ts'

export type LabVolume = {
  readonly id: string
  readonly project: LabProject
  /** As in Cinder: `available`, `in-use`, `maintenance`, … */
  readonly status: string
  readonly attachStatus: string
  readonly migrationStatus?: string | null
  readonly multiattach?: boolean
}

export type LabAttachment = {
  readonly id: string
  readonly volumeId: string
  readonly instanceId: string | null
  readonly attachStatus: string
  readonly connectionInfo: object | null
  readonly connector?: object | null
  readonly attachedHost?: string | null
}

export type LabInstance = {
  readonly id: string
  readonly project: LabProject
  /** The volumes Nova knows as attached, with Cinder's attachment id. */
  readonly attached: readonly { readonly volumeId: string; readonly attachmentId: string | null }[]
}

export type LabFixtures = {
  readonly volumes?: readonly LabVolume[]
  readonly attachments?: readonly LabAttachment[]
  readonly instances?: readonly LabInstance[]
}
