import { existsSync, readFileSync, statSync } from 'node:fs'

/** What the fix would have said about one request that a legacy Cinder let pass. */
export type LabVerdict = {
  readonly request_id: string
  /** The id that the request came with; a gateway sends one with each. */
  readonly global_request_id: string | null
  readonly allowed: boolean
  /** Class name of the refusal, such as `ConflictNovaUsingAttachment`. */
  readonly exception: string | null
  readonly message: string | null
  readonly volume_id: string | null
  readonly attachment_id: string | null
}

/** The file in which the legacy Cinders of a lab write down their verdicts. Nothing is ever taken out of it. */
export class Verdicts {
  readonly #path: string
  /** Bytes that were told before the last `clear`. */
  #from = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Since the last `clear`. */
  read(): LabVerdict[] {
    return this.#size() > this.#from ? this.#after(this.#from) : []
  }

  clear(): void {
    this.#from = this.#size()
  }

  /** Those of the whole run. */
  all(): LabVerdict[] {
    return this.#size() > 0 ? this.#after(0) : []
  }

  #size(): number {
    return existsSync(this.#path) ? statSync(this.#path).size : 0
  }

  #after(offset: number): LabVerdict[] {
    const lines = readFileSync(this.#path).subarray(offset).toString('utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LabVerdict)
  }
}
