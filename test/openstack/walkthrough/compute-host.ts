import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { IDS } from '../cases.ts'
import type { Lab } from '../lab/lab.ts'

const PROGRAM = join(import.meta.dirname, '../lab/python/lab_nova_compute.py')

/** A compute host, as far as Cinder sees it: Nova's own code, with a nova.conf of its own. */
export class ComputeHost {
  readonly conf: string
  readonly #lab: Lab

  /** One from before the fix: its nova.conf has no `[service_user]`. @param volumes where it finds Cinder. */
  constructor(lab: Lab, folder: string, volumes: string) {
    this.#lab = lab
    this.conf = join(folder, 'nova.conf')
    const text = readFileSync(lab.paths.novaConf, 'utf8')
    const without = text.replace(/^\[service_user\]\n(?:(?!\[).*\n)*/m, '')
    if (without === text) throw new Error("the lab's nova.conf has no [service_user]")
    writeFileSync(this.conf, `${without}\n[cinder]\nendpoint_template = ${volumes}/v3/%(project_id)s\n`)
  }

  /** Adds lines to nova.conf; they count from the next call. */
  add(lines: readonly string[]): void {
    writeFileSync(this.conf, `${readFileSync(this.conf, 'utf8')}\n${lines.join('\n')}\n`)
  }

  /** Lets the member's volume go, as at the end of `openstack server remove volume`. @returns the status. */
  async detach(): Promise<number> {
    const { token, userId, projectId } = await this.#lab.token('member')
    const asked = { conf: this.conf, token, user_id: userId, project_id: projectId }
    return new Promise((resolve, fail) => {
      const child = execFile('/usr/bin/python3', [PROGRAM], (error, stdout, stderr) => {
        if (error !== null) fail(new Error(stderr))
        else resolve((JSON.parse(stdout) as { status: number }).status)
      })
      child.stdin?.end(JSON.stringify({ ...asked, attachment_id: IDS.attachment }))
    })
  }
}
