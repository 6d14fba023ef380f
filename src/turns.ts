import type { FactBook } from './checking.ts'
import type { Identity } from './identity/identity.ts'
import { isGuarded, type JudgedOperation } from './operation/operation.ts'

/** Ends a turn; more than once does no harm. */
export type EndTurn = () => void

/** Where turns are taken: in this process, or with all workers of a gateway. */
export interface TakesTurns {
  /** Resolves when all who came before for this volume have ended their turns. */
  take(volumeId: string): Promise<EndTurn>
}

/**
 * Operations that change a volume's attachments take turns, one volume at a time, from before their facts are read
 * until Cinder has answered: so that within one gateway nothing changes between a check and what it allows.
 */
export class Turns implements TakesTurns {
  readonly #tails = new Map<string, Promise<void>>()

  async take(volumeId: string): Promise<EndTurn> {
    const key = foldedId(volumeId)
    const before = this.#tails.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    const tail = (before ?? Promise.resolve()).then(() => promise)
    this.#tails.set(key, tail)
    await before
    return () => {
      resolve()
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    }
  }

  /** Volumes with somebody's turn under way. */
  get size(): number {
    return this.#tails.size
  }
}

/**
 * The volume whose turn an operation must wait for, or null: services are spared the check, so what they delete
 * needs no turn; what they attach does. @throws when Cinder cannot be asked whose an attachment is.
 */
export async function volumeOf(
  operation: JudgedOperation,
  identity: Identity,
  facts: FactBook,
): Promise<string | null> {
  if (operation.kind === 'other') return null
  if (identity.isService && isGuarded(operation)) return null
  if (!('attachmentId' in operation) || 'volumeId' in operation) return operation.volumeId
  const question = { fact: 'attachment', attachmentId: operation.attachmentId } as const
  await facts.gather([question])
  const attachment = facts.get(question)
  return attachment === undefined || attachment === 'absent' ? null : attachment.volumeId
}

/** Spellings that a database may take for one id share a turn; that unlike ids may share one too does no harm. */
function foldedId(id: string): string {
  return id.normalize('NFKD').replace(/\p{M}/gu, '').trim().toLowerCase()
}
