import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LabProject, type LabUser, labPassword, labUsers } from './accounts.ts'
import { endAbandonedLabs, labPrefix } from './endAbandonedLabs.ts'
import { FixtureWriter } from './FixtureWriter.ts'
import { freePorts } from './freePorts.ts'
import { install } from './install.ts'
import type { LabFixtures } from './LabFixtures.ts'
import { type CinderName, cinderNames, type LabLayout, type LabPaths, labPaths } from './LabLayout.ts'
import { LabProcesses } from './LabProcesses.ts'
import { prepareDatabases } from './prepareDatabases.ts'
import { serviceCommands } from './serviceCommands.ts'
import { type LabVerdict, Verdicts } from './Verdicts.ts'
import { type LabIds, labIds, writeEndpoint } from './writeAccounts.ts'
import { writeConfigs } from './writeConfigs.ts'

export type LabOptions = {
  /** Which Cinder APIs to start; all four unless given. */
  readonly cinders?: readonly CinderName[]
  /** Also start the eventlet cinder-api, as a legacy Cinder. */
  readonly eventlet?: boolean
  /** For measurements: legacy Cinders do not ask the fix at all, and each Cinder API has two processes. */
  readonly isTimed?: boolean
  /** Keep the lab's directory (configuration, databases, logs) after stop. */
  readonly keep?: boolean
}

/** A token of Keystone with what it is for. */
export type LabToken = { readonly token: string; readonly projectId: string; readonly userId: string }

export type Lab = {
  /** Base addresses: Keystone with `/v3`, Nova with `/v2.1`, Cinders without path. */
  readonly urls: { keystone: string; nova: string; eventlet: string; cinder: Record<CinderName, string> }
  readonly paths: LabPaths
  readonly ids: LabIds
  /** Milliseconds that each phase of the start took. */
  readonly timings: Readonly<Record<string, number>>
  /** A token of the user for its home project or the one named; issued once and kept. Throws unless Keystone says 201. */
  token(user: LabUser, project?: LabProject): Promise<LabToken>
  /** Puts Cinder's and Nova's rows into exactly this state. */
  reset(fixtures: LabFixtures): void
  /** A row of Cinder's database, or undefined when there is none. */
  cinderRow: FixtureWriter['cinderRow']
  readVerdicts(): LabVerdict[]
  clearVerdicts(): void
  /** Those of the whole run, cleared or not. */
  allVerdicts(): LabVerdict[]
  /** Points volumev3 of the catalogue at another base address (no path), for tokens issued after it. */
  pointVolumesAt(base: string): void
  /** Stops one service where it stands, as SIGSTOP does, or lets it go on. */
  hang(name: LabService): void
  resume(name: LabService): void
  /** Kills one service; starts it again and waits until it answers. */
  kill(name: LabService): Promise<void>
  revive(name: LabService): Promise<void>
  /** Points the catalogue at another address of Nova (with `/v2.1`), for tokens issued after it. */
  pointComputeAt(url: string): void
  /** Ends all processes and removes the lab's directory. */
  stop(): Promise<void>
}

/** Services that a test may make fall; the legacy Cinder is the one behind gateways. */
export type LabService = 'keystone' | 'nova' | 'legacy'

async function answers(url: string, token?: string): Promise<boolean> {
  try {
    const headers = token ? { 'x-auth-token': token } : {}
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) })
    await answer.arrayBuffer()
    return answer.status < 400
  } catch {
    return false
  }
}

/** Fetches tokens, each once. */
function tokenSource(keystone: string, ids: LabIds): Lab['token'] {
  const kept = new Map<string, Promise<LabToken>>()
  const issue = async (user: LabUser, project: LabProject): Promise<LabToken> => {
    const password = { user: { id: ids.users[user], password: labPassword } }
    const scope = { project: { id: ids.projects[project] } }
    const body = JSON.stringify({ auth: { identity: { methods: ['password'], password }, scope } })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${keystone}/auth/tokens`, { method: 'POST', headers, body })
    const text = await answer.text()
    const token = answer.headers.get('x-subject-token')
    if (answer.status !== 201 || !token)
      throw new Error(`no token for ${user} on ${project}: ${answer.status} ${text}`)
    return { token, projectId: ids.projects[project], userId: ids.users[user] }
  }
  return (user, project = labUsers[user].home) => {
    const key = `${user} ${project}`
    const found = kept.get(key) ?? issue(user, project)
    kept.set(key, found)
    found.catch(() => kept.delete(key))
    return found
  }
}

async function layOut(root: string): Promise<LabLayout> {
  const [epmd = 0, distribution = 0, rabbit = 0, keystone = 0, nova = 0, eventlet = 0, ...rest] =
    await freePorts(10)
  const [fixed = 0, legacy = 0, fixedRequired = 0, legacyRequired = 0] = rest
  const apis = { keystone, nova, eventlet, fixed, legacy, fixedRequired, legacyRequired }
  return { root, ports: { epmd, distribution, rabbit, ...apis } }
}

/**
 * Starts Keystone, Nova's API, RabbitMQ, cinder-scheduler, cinder-volume and Cinder APIs on 127.0.0.1, each in a
 * state to answer. Installs the packages first where they are missing (root on Debian 12). Throws with the end of
 * the log of the service that did not come up; nothing is left running then.
 */
export async function startLab({
  cinders = cinderNames,
  eventlet = false,
  isTimed = false,
  keep = false,
}: LabOptions = {}): Promise<Lab> {
  const timings: Record<string, number> = {}
  const timed = async <T>(phase: string, work: () => T | Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await work()
    timings[phase] = Math.round(performance.now() - start)
    return result
  }
  await timed('install', install)
  endAbandonedLabs()
  const root = mkdtempSync(join(tmpdir(), labPrefix))
  const layout = await layOut(root)
  const paths = labPaths(root)
  const ids = labIds()
  const base = (name: keyof LabLayout['ports']) => `http://127.0.0.1:${layout.ports[name]}`
  const urls: Lab['urls'] = {
    keystone: `${base('keystone')}/v3`,
    nova: `${base('nova')}/v2.1`,
    eventlet: base('eventlet'),
    cinder: Object.fromEntries(cinderNames.map((name) => [name, base(name)])) as Record<CinderName, string>,
  }
  const token = tokenSource(urls.keystone, ids)
  const verdicts = new Verdicts(paths.verdicts)
  const processes = new LabProcesses(paths)
  let fixtures: FixtureWriter | undefined
  const stop = async () => {
    await processes.stop()
    fixtures?.close()
    fixtures = undefined
    rmSync(keep ? paths.pids : root, { recursive: true, force: true })
  }
  try {
    writeConfigs(layout)
    await timed('databases', () => prepareDatabases(layout))
    const writer = new FixtureWriter(paths, ids)
    fixtures = writer
    const commands = serviceCommands(layout, cinders, eventlet, isTimed)
    for (const command of commands) processes.start(command)
    const apis = [...cinders, ...(eventlet ? (['eventlet'] as const) : [])]
    const logSays = (name: string, text: string) =>
      timed(name, () => processes.waitFor(name, 90, () => processes.log(name).includes(text)))
    await timed('services', () =>
      Promise.all([
        timed('keystone', () => processes.waitFor('keystone', 90, () => answers(urls.keystone))),
        timed('nova', () => processes.waitFor('nova', 90, () => answers(base('nova')))),
        ...apis.map((name) =>
          timed(name, () => processes.waitFor(name, 90, () => answers(`${base(name)}/`))),
        ),
        logSays('rabbitmq', 'completed with'),
        logSays('cinder-volume', 'Driver post RPC initialization completed successfully'),
        logSays('cinder-scheduler', 'Starting cinder-scheduler node'),
      ]),
    )
    await timed('first requests', async () => {
      const member = await token('member')
      const warm = (name: string, url: string) =>
        processes.waitFor(name, 30, () => answers(url, member.token))
      await warm('nova', `${urls.nova}/servers`)
      await Promise.all(apis.map((name) => warm(name, `${base(name)}/v3/${member.projectId}/volumes/detail`)))
    })
    return {
      ...{ urls, paths, ids, timings, token, stop },
      reset: (state) => writer.reset(state),
      cinderRow: (table, id) => writer.cinderRow(table, id),
      readVerdicts: () => verdicts.read(),
      clearVerdicts: () => verdicts.clear(),
      allVerdicts: () => verdicts.all(),
      pointVolumesAt: (target) =>
        writeEndpoint(paths.databases.keystone, 'volumev3', `${target}/v3/%(project_id)s`),
      hang: (name) => processes.signal(name, 'SIGSTOP'),
      resume: (name) => processes.signal(name, 'SIGCONT'),
      kill: (name) => processes.stop(name),
      async revive(name) {
        const command = commands.find((each) => each.name === name)
        if (command === undefined) throw new Error(`no service ${name}`)
        processes.start(command)
        const url = { keystone: urls.keystone, nova: base('nova'), legacy: `${base('legacy')}/` }[name]
        await processes.waitFor(name, 60, () => answers(url))
      },
      pointComputeAt: (url) => writeEndpoint(paths.databases.keystone, 'compute', url),
    }
  } catch (error) {
    await stop()
    throw error
  }
}
