import type { Ledger, ReadEntry } from '../ledger/ledger.ts'

/** Some records, and how many the log has. */
export interface FollowedPage {
  /** By rising index. Without a gap, apart from what the archive has removed after its time. */
  readonly entries: readonly ReadEntry[]
  /** The index that the next record of the log will have. */
  readonly size: number
}

/** Port: the log, as a follower reads it in the process or object that has the log. */
export interface FollowedLog {
  /** Returns the records from an index on, at most `limit`. A page may be shorter; it is empty only at the end of the log. */
  readFrom(index: number, limit: number): Promise<FollowedPage>
  /** Returns the index of the first record that was made at a time (ISO 8601, UTC) or later: the log's end if there is none. */
  indexAt(time: string): Promise<number>
}

/**
 * Reads a ledger by index. The cursor of a ledger is a number that rises by one with each record, and is above the index by
 * what stays the same as long as the ledger is open.
 */
export function followLedger({ read }: Pick<Ledger, 'read'>): FollowedLog {
  let offset: number | undefined
  const offsetOf = async () => {
    const { entries, end } = await read({ limit: 1, order: 'newest' })
    return Number(end) - ((entries[0]?.index ?? -1) + 1)
  }
  return {
    async readFrom(index, limit) {
      offset ??= await offsetOf()
      const { entries, end } = await read({ limit, after: `${index === 0 ? 0 : offset + index}` })
      return { entries, size: Number(end) - offset }
    },

    async indexAt(time) {
      let after = '0'
      for (;;) {
        const { entries, cursor, more, end } = await read({ limit: 1, since: time, after })
        const [first] = entries
        if (first !== undefined) return first.index
        offset ??= await offsetOf()
        if (!more) return Number(end) - offset
        after = cursor
      }
    },
  }
}
