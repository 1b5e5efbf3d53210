import type { LiveLog } from '../../archive/live-log.ts'
import type { EventTable } from './event-table.ts'
import type { StatesStorage } from './follower-states.ts'

/** Most records that are pruned in one transaction: it holds up appends for some 20 ms. */
const PRUNED = 128
/** How long appends and readers have for themselves between two such transactions, in milliseconds. */
const REST = 20

/** Creates the live log over its table, for the archive. */
export function createLiveLog(events: EventTable, storage: StatesStorage): LiveLog {
  return {
    bounds: () => ({ first: events.first - 1, end: events.size }),

    readFrom: async (index, limit) => events.read({ from: index, limit }).entries,

    async prune(below) {
      const more = await storage.write(() => events.prune(below, PRUNED))
      await new Promise(resolve => setTimeout(resolve, REST))
      return more
    },
  }
}
