import type { LedgerEntry } from '../../ledger/ledger.ts'

/** Sends entries somewhere. Resolves when they are durable there. */
type Send = (entries: readonly LedgerEntry[]) => Promise<void>

/** What a caller that waits is to do: nothing, as its entries were sent; send those of all who wait; send its own alone. */
type Turn = 'sent' | 'lead' | 'alone'

interface Waiter {
  readonly entries: readonly LedgerEntry[]
  readonly resolve: (turn: Turn) => void
  readonly reject: (error: unknown) => void
}

/** How long a caller waits for others, in milliseconds. */
const PATIENCE = 250
/** A call takes no further caller's entries after so many characters. It holds 32 MiB, and a character may be two bytes. */
const FULL = 4 * 2 ** 20

/**
 * Sends the entries of many callers in few calls, one at a time: what comes while a call is under way goes in the next one,
 * which the first of those who wait makes in its own request.
 *
 * On Workers a request that waits for another one alone is ended as hung, and one whose client has left never ends its
 * call. So each caller has a timer of its own, and sends its entries alone when it fires. They are sent twice then: a
 * ledger stores each id once.
 */
export class GroupCommit {
  #isSending = false
  #waiting: Waiter[] = []

  /**
   * Resolves when the entries are durable; rejects if the call that took them fails.
   *
   * @param send makes a call in the caller's own request
   */
  async append(entries: readonly LedgerEntry[], send: Send): Promise<void> {
    const turn = this.#isSending ? await this.#wait(entries) : 'lead'
    if (turn === 'alone') await send(entries)
    if (turn === 'lead') await this.#lead(entries, send)
  }

  #wait(entries: readonly LedgerEntry[]): Promise<Turn> {
    return new Promise<Turn>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter(one => one !== waiter)
        resolve('alone')
        // The one that was to hand over may never do it.
        this.#isSending = false
      }, PATIENCE)
      const waiter: Waiter = {
        entries,
        resolve(turn) {
          clearTimeout(timer)
          resolve(turn)
        },
        reject(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#waiting.push(waiter)
    })
  }

  async #lead(entries: readonly LedgerEntry[], send: Send): Promise<void> {
    this.#isSending = true
    const group = this.#takeWaiting()
    try {
      await send([...entries, ...group.flatMap(waiter => waiter.entries)])
      for (const { resolve } of group) resolve('sent')
    } catch (error) {
      for (const { reject } of group) reject(error)
      throw error
    } finally {
      const next = this.#waiting.shift()
      this.#isSending = next !== undefined
      next?.resolve('lead')
    }
  }

  /** Returns those who wait longest, as many as one call takes. */
  #takeWaiting(): readonly Waiter[] {
    let size = 0
    const full = this.#waiting.findIndex(({ entries }) => {
      size += entries.reduce((sum, { json }) => sum + json.length, 0)
      return size > FULL
    })
    return this.#waiting.splice(0, full === -1 ? this.#waiting.length : full)
  }
}
