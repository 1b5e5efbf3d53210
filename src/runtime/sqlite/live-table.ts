import type { LiveLog } from '../../archive/live-log.ts'
import type { TablePage, TableQuery } from '../../ledger/query/table-page.ts'
import type { EventTable } from './event-table.ts'
import type { StatesStorage } from './follower-states.ts'

/** Most records that are pruned in one transaction: it holds up appends for some 20 ms. */
const PRUNED = 128
/** How long appends and readers have for themselves between two such transactions, in milliseconds. */
const REST = 20

/**
 * Creates the live log over its table.
 *
 * @param read reads the table. It may let others work in between
 */
export function createLiveLog(
  events: EventTable,
  storage: StatesStorage,
  read: (query: TableQuery) => TablePage | Promise<TablePage> = query => events.read(query),
): LiveLog {
  return {
    bounds: async () => ({ first: events.first - 1, end: events.size }),

    read: async query => read(query),

    cursorAt: place => events.cursorAt(place),

    placeAt: cursor => events.placeAt(cursor),

    async prune(below) {
      const more = await storage.write(() => events.prune(below, PRUNED))
      await new Promise(resolve => setTimeout(resolve, REST))
      return more
    },
  }
}
