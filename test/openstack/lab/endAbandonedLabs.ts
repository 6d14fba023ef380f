import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How the directories of running labs are named, in the system's temp directory. */
export const labPrefix = 'cinderguard-lab-run-'

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function worksIn(pid: number, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)
  } catch {
    return false
  }
}

/** Ends what a lab whose test process was killed outright has left running, by recorded pids, and removes its files. */
export function endAbandonedLabs(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(labPrefix))) {
    const root = join(tmpdir(), name)
    try {
      const { owner, pids } = JSON.parse(readFileSync(join(root, 'pids.json'), 'utf8')) as {
        owner: number
        pids: number[]
      }
      if (lives(owner)) continue
      for (const pid of pids) if (worksIn(pid, root)) process.kill(-pid, 'SIGKILL')
      rmSync(root, { recursive: true, force: true })
    } catch {
      // being made by another process, or not ours to end
    }
  }
}
