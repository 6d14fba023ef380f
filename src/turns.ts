import { setTimeout as sleep } from 'node:timers/promises'
import type { FactBook } from './checking.ts'
import type { Question } from './checks/check.ts'
import type { Identity } from './identity/identity.ts'
import { isGuarded, type JudgedOperation } from './operation/operation.ts'

/** Ends a turn; more than once does no harm. */
export type EndTurn = () => void

export interface Turn {
  readonly end: EndTurn
  /** Somebody else's turn of this volume was under way at the moment asked about, or later. */
  readonly isLate: boolean
}

/** Where turns are taken: in this process, or with all workers of a gateway. */
export interface TakesTurns {
  /**
   * Resolves when all who came before for this volume have ended their turns.
   *
   * @param since a {@link moment}: when the taker began to read what it will decide on.
   * @throws CrowdedError when too many wait for this volume already.
   */
  take(volumeId: string, since: number): Promise<Turn>
}

/** Too many operations wait for their turn of one volume. */
export class CrowdedError extends Error {}

/** Takers of one volume's turn at a time, with the one whose turn it is. */
const CROWD = 256
/** Volumes whose last turn is remembered. */
const REMEMBERED = 1000

/** Microseconds of a clock that all processes of this machine share, and that never goes back. */
export function moment(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/**
 * Operations that change a volume's attachments take turns, one volume at a time, until Cinder has answered them: so
 * that within one gateway nothing changes between a check and what it allows.
 */
export class Turns implements TakesTurns {
  readonly #tails = new Map<string, { promise: Promise<void>; takers: number }>()
  /** When the last turn of each volume ended, the oldest first. */
  readonly #ended = new Map<string, number>()
  /** When the newest of those ended that are no longer remembered. */
  #forgotten = -1

  async take(volumeId: string, since: number): Promise<Turn> {
    const key = foldedId(volumeId)
    const before = this.#tails.get(key)
    if (before !== undefined && before.takers >= CROWD) throw new CrowdedError('too many wait for a volume')
    const { promise, resolve } = Promise.withResolvers<void>()
    const tail = before ?? { promise: Promise.resolve(), takers: 0 }
    const turn = tail.promise
    tail.promise = turn.then(() => promise)
    tail.takers += 1
    this.#tails.set(key, tail)
    const isLate = before !== undefined || (this.#ended.get(key) ?? this.#forgotten) >= since
    await turn
    let isOver = false
    return {
      isLate,
      end: () => {
        if (isOver) return
        isOver = true
        tail.takers -= 1
        if (tail.takers === 0) this.#tails.delete(key)
        this.#remember(key)
        resolve()
      },
    }
  }

  #remember(key: string): void {
    this.#ended.delete(key)
    this.#ended.set(key, moment())
    if (this.#ended.size <= REMEMBERED) return
    for (const [oldest, at] of this.#ended) {
      this.#forgotten = at
      this.#ended.delete(oldest)
      return
    }
  }

  /** Volumes with somebody's turn under way. */
  get size(): number {
    return this.#tails.size
  }
}

/**
 * Takes the turn that an operation needs, if any: of a volume that its caller may see, by Cinder's own spelling. What
 * is read for that counts for the decision too, as long as nobody else's turn came in between; else it is read anew.
 *
 * Services are spared the check, so what they delete needs no turn; what they attach does. Their requests never fail
 * by it: when it cannot be had within `patience`, they go without.
 *
 * @param patience seconds.
 * @returns what ends it; null when none was needed or had.
 * @throws to others, when Cinder cannot be asked or too many wait.
 */
export async function takeTurn(
  operation: JudgedOperation,
  identity: Identity,
  facts: FactBook,
  turns: TakesTurns,
  patience: number,
): Promise<EndTurn | null> {
  if (operation.kind === 'other' || (identity.isService && isGuarded(operation))) return null
  if (identity.isService) return forService(operation, facts, turns, patience)
  const since = moment()
  const volumeId = await visibleVolume(operation, facts)
  if (volumeId === null) return null
  const turn = await turns.take(volumeId, since)
  if (turn.isLate) facts.forget()
  return turn.end
}

async function forService(
  operation: Exclude<JudgedOperation, { kind: 'other' }>,
  facts: FactBook,
  turns: TakesTurns,
  patience: number,
): Promise<EndTurn | null> {
  const taken = volumeOfService(operation, facts)
    .then((volumeId) => turns.take(volumeId, 0))
    .then(({ end }) => end)
  const given = new AbortController()
  const late = sleep(patience * 1000, null, { signal: given.signal }).catch(() => null)
  const end = await Promise.race([taken.catch(() => null), late])
  given.abort()
  if (end !== null) return end
  taken.then((unused) => unused()).catch(() => undefined)
  return null
}

/** A service types ids as Cinder gave them. An attachment whose volume cannot be learnt has turns of its own. */
async function volumeOfService(
  operation: Exclude<JudgedOperation, { kind: 'other' }>,
  facts: FactBook,
): Promise<string> {
  if ('volumeId' in operation) return operation.volumeId
  const { attachmentId } = operation
  const question = { fact: 'attachment', attachmentId } as const
  await facts.gather([question]).catch(() => undefined)
  const found = facts.get(question)
  return typeof found === 'object' ? found.volumeId : attachmentId
}

/** The volume of an operation in Cinder's spelling; null when its caller cannot see it: it is nobody else's to block. */
async function visibleVolume(
  operation: Exclude<JudgedOperation, { kind: 'other' }>,
  facts: FactBook,
): Promise<string | null> {
  let typed: string
  if ('volumeId' in operation) typed = operation.volumeId
  else {
    const question = { fact: 'attachment', attachmentId: operation.attachmentId } as const
    await facts.gather([question])
    const found = facts.get(question)
    if (typeof found !== 'object') return null
    typed = found.volumeId
  }
  const question = { fact: 'volume', volumeId: typed } as const
  // What the safety check will ask besides is asked at once.
  const ahead: Question[] = isGuarded(operation) ? [{ fact: 'attachments', volumeId: typed }] : []
  await Promise.all([facts.gather([question]), facts.gather(ahead).catch(() => undefined)])
  const volume = facts.get(question)
  return typeof volume === 'object' ? volume.id : null
}

/** Spellings that a database may take for one id share a turn; that unlike ids may share one too does no harm. */
function foldedId(id: string): string {
  return id.normalize('NFKD').replace(/\p{M}/gu, '').trim().toLowerCase()
}
