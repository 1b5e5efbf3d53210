import { CursorInvalid, type Ledger, type LedgerEntry, type LedgerSpool } from '../../ledger/ledger.ts'
import { tenantView } from '../../ledger/tenant-view.ts'

/** A ledger in memory: for trying out and for tests. It keeps nothing beyond the process. */
export function createMemoryLedger(): Ledger {
  const entries: LedgerEntry[] = []
  const ids = new Set<string>()
  return {
    async record(entry) {
      if (ids.has(entry.id)) return
      ids.add(entry.id)
      entries.push(entry)
    },

    async read({ after = '0', limit, since = '', latest, kind, tenant }) {
      if (!/^\d{1,15}$/.test(after)) throw new CursorInvalid()
      const unread = entries
        .map((entry, index) => ({ entry, seq: index + 1 }))
        .filter(({ entry, seq }) => {
          if (seq <= Number(after)) return false
          const event = JSON.parse(entry.json) as { t: string; recorded?: string; kind?: string }
          if ((event.recorded ?? event.t) < since || (kind !== undefined && event.kind !== kind)) return false
          return tenant === undefined || tenantView(entry.json, tenant) !== undefined
        })
      const more = !latest && unread.length > limit
      const page = latest ? unread.slice(-limit) : unread.slice(0, limit)
      return {
        entries: page.map(({ entry }) => entry).sort((a, b) => (a.id < b.id ? -1 : 1)),
        cursor: String(more ? page.at(-1)?.seq : Math.max(Number(after), entries.length)),
        more,
      }
    },
  }
}

/** An overflow in memory. */
export function createMemorySpool(): LedgerSpool {
  const kept = new Map<string, LedgerEntry>()
  return {
    async keep(entry) {
      kept.set(entry.id, entry)
    },
    async waiting(limit) {
      return [...kept.values()].slice(0, limit)
    },
    async drop(ids) {
      for (const id of ids) kept.delete(id)
    },
  }
}
