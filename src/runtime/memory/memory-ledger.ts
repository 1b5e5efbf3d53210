import {
  type Ledger,
  type LedgerEntry,
  type LedgerSpool,
  parseCursor,
  QUERY_FIELDS,
  type QueryField,
  type QueryValue,
} from '../../ledger/ledger.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'
import { sumCounts } from '../../ledger/query/counts.ts'
import { parseEvent } from '../../ledger/query/terms.ts'
import { type TenantFacts, tenantsOf } from '../../ledger/tenant-view.ts'

/** As much of a record as a query asks about. */
interface Found extends TenantFacts, Readonly<Partial<Record<QueryField, string>>> {
  readonly t?: string
  readonly recorded?: string
  readonly kind?: string
}

/** Creates a ledger in memory, for trying out and for tests. It keeps nothing beyond the process. */
export function createMemoryLedger(): Ledger {
  const entries: LedgerEntry[] = []
  const ids = new Set<string>()
  const arrivals = new Arrivals()
  return {
    async append(added) {
      for (const entry of added) {
        if (!ids.has(entry.id)) entries.push(entry)
        ids.add(entry.id)
      }
      arrivals.announce()
    },

    async read({ after, from = 0, limit, order, since = '', until = '~', kind, tenant, ...fields }) {
      const isNewestFirst = order === 'newest'
      const start = parseCursor(after) ?? (isNewestFirst ? entries.length : from)
      const unread = entries
        .map((entry, index) => ({ ...entry, index }))
        .filter(({ json, index }) => {
          if (isNewestFirst ? index >= start : index < start) return false
          const event = JSON.parse(json) as Found
          const recorded = event.recorded ?? event.t ?? ''
          // No time comes after "~".
          if (recorded < since || recorded >= until) return false
          if (kind !== undefined && event.kind !== kind) return false
          if (!QUERY_FIELDS.every(name => isOneOf(fields[name], event[name]))) return false
          if (fields.owner !== undefined && tenant !== undefined && event.recording_tenant !== tenant)
            return false
          return tenant === undefined || tenantsOf(event).includes(tenant)
        })
      if (isNewestFirst) unread.reverse()
      const page = unread.slice(0, limit)
      const more = unread.length > limit
      const last = page.at(-1)?.index ?? 0
      const atEnd = isNewestFirst ? 0 : Math.max(start, entries.length)
      return {
        entries: page,
        cursor: String(more ? last + (isNewestFirst ? 0 : 1) : atEnd),
        end: String(entries.length),
        more,
      }
    },

    count: async query =>
      sumCounts(
        { query, isOfHours: false },
        [],
        entries.map(({ json }) => parseEvent(json)),
      ),

    held: async () => [],

    waitAfter: (cursor, milliseconds) =>
      arrivals.wait(() => entries.length > (parseCursor(cursor) ?? 0), milliseconds),
  }
}

const isOneOf = (asked: QueryValue | undefined, value: string | undefined): boolean =>
  asked === undefined || (value !== undefined && [asked].flat().includes(value))

/** Creates a spool in memory. */
export function createMemorySpool(): LedgerSpool {
  const kept = new Map<string, LedgerEntry>()
  return {
    async keep(entry) {
      kept.set(entry.id, entry)
    },
    async waiting(limit, after = '') {
      return [...kept.values()]
        .filter(({ id }) => id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
    },
    async drop(ids) {
      for (const id of ids) kept.delete(id)
    },
  }
}
