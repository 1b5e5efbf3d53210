import type { LedgerEntry } from '../../ledger/ledger.ts'
import { ServerFault } from './fault.ts'
import { INBOX_COLUMNS, inboxRow } from './inbox-row.ts'
import type { Session } from './session.ts'

interface Waiter {
  readonly entries: readonly LedgerEntry[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Most callers whose entries are written together. */
const MAX_GROUP = 100

const INSERT = `
  INSERT INTO mediaward.inbox (${INBOX_COLUMNS.names})
  SELECT ${INBOX_COLUMNS.names} FROM json_to_recordset($1::text::json) AS entry (${INBOX_COLUMNS.types})`

/**
 * Writes entries into the inbox, those of many callers in one statement: what comes while one is under way goes in the next
 * one. What an entry is found by and counted as is written with it, so whatever PostgreSQL can't store fails here, and never stops the log.
 */
export class InboxWriter {
  readonly #session: Session
  #waiting: Waiter[] = []
  #isWriting = false

  constructor(session: Session) {
    this.#session = session
  }

  /** Resolves when the entries are durable. */
  write(entries: readonly LedgerEntry[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject })
      if (!this.#isWriting) void this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP)
      try {
        const rows = group.flatMap(({ entries }) => entries.map(inboxRow))
        await this.#session.query(INSERT, JSON.stringify(rows))
        for (const { resolve } of group) resolve()
      } catch (error) {
        // A server that is away would let each group wait in turn, and what waits would grow.
        const failed = error instanceof ServerFault ? group : [...group, ...this.#waiting.splice(0)]
        for (const { reject } of failed) reject(error)
      }
    }
    this.#isWriting = false
  }
}
