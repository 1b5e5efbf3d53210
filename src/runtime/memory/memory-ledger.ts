import {
  CursorInvalid,
  type Ledger,
  type LedgerEntry,
  type LedgerSpool,
  QUERY_FIELDS,
  type QueryField,
} from '../../ledger/ledger.ts'
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
  return {
    async append(added) {
      return added.map(entry => {
        if (ids.has(entry.id)) return 'present'
        ids.add(entry.id)
        entries.push(entry)
        return 'added'
      })
    },

    async read({ after = '0', limit, since = '', until = '~', latest, kind, tenant, ...fields }) {
      if (!/^\d{1,15}$/.test(after)) throw new CursorInvalid()
      const unread = entries
        .map((entry, index) => ({ ...entry, index }))
        .filter(({ json, index }) => {
          if (index < Number(after)) return false
          const event = JSON.parse(json) as Found
          const recorded = event.recorded ?? event.t ?? ''
          // No time comes after "~".
          if (recorded < since || recorded >= until) return false
          if (kind !== undefined && event.kind !== kind) return false
          if (QUERY_FIELDS.some(name => fields[name] !== undefined && event[name] !== fields[name]))
            return false
          return tenant === undefined || tenantsOf(event).includes(tenant)
        })
      const more = !latest && unread.length > limit
      const page = latest ? unread.slice(-limit) : unread.slice(0, limit)
      return {
        entries: page.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        cursor: String(more ? (page.at(-1)?.index ?? 0) + 1 : Math.max(Number(after), entries.length)),
        more,
      }
    },
  }
}

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
