import { eventId } from '../../../ledger/event-id.ts'
import type { Changes, Finding, FindingText, Suppression } from '../../../watch/finding.ts'
import type { FindingBook } from '../../../watch/finding-book.ts'
import type { FindingControl } from '../../../watch/finding-control.ts'
import { isText, keptText } from '../../../watch/findings/act.ts'
import { listFindings } from '../../../watch/findings/list.ts'
import type { LogWatch } from './log-watch.ts'

/** How long a suppression that is over is listed, in milliseconds. */
const LISTED = 90 * 24 * 3_600_000

/** What findings need in the process or object that has the log. */
export interface FindingServices {
  readonly watch: LogWatch
  /** Does some work in a transaction. Resolves to its result when that is durable. */
  write<Result>(work: () => Result): Promise<Result>
  now(): number
  /** To be called when something was recorded. */
  announce(): void
}

/** Creates the port over the log's tables in SQLite. */
export function createSqlFindings({ watch, write, now, announce }: FindingServices): FindingControl {
  const { tables } = watch
  const change = async <Refused>(work: (book: FindingBook, now: number) => Changes | Refused) => {
    try {
      const at = now()
      const changes = await write(() => watch.change(book => work(book, at), at))
      announce()
      return changes
    } catch (error) {
      watch.forget()
      throw error
    }
  }
  const isOf = (one: Finding | Suppression, tenant: string | undefined) =>
    tenant === undefined || one.tenant === tenant
  const reasonOf = (id: string): { readonly reason?: FindingText } => {
    const [reason] = tables.texts(id)
    return reason === undefined ? {} : { reason }
  }
  return {
    list: query => listFindings(query, tables.findings),

    async show(id, tenant) {
      const finding = tables.finding(id)
      if (finding === undefined || !isOf(finding, tenant)) return undefined
      return { finding, texts: tables.texts(id) }
    },

    async act(id, act) {
      if (act.text !== undefined && !isText(act.text)) return { refused: 'incomplete' }
      const text = act.text === undefined ? undefined : await keptText(act.text, id, act.by, now())
      const changes = await change((book, at) => {
        const finding = tables.finding(id)
        return finding === undefined ? 'unknown' : book.act(finding, act, text, at)
      })
      if (typeof changes === 'string') return { refused: changes }
      const [finding] = changes.findings
      return finding === undefined ? { refused: 'unknown' } : { finding }
    },

    async suppressions(tenant) {
      const listed = tables.suppressions(now() - LISTED).filter(one => isOf(one, tenant))
      return listed.map(one => ({ ...one, ...reasonOf(one.id) }))
    },

    async suppress(wanted) {
      if (!isText(wanted.reason)) return { refused: 'incomplete' }
      const text = await keptText(wanted.reason, eventId(now()), wanted.by, now())
      const changes = await change((book, at) => book.suppress(wanted, text, at))
      if (typeof changes === 'string') return { refused: changes }
      const [suppression] = changes.suppressions
      return suppression === undefined ? { refused: 'incomplete' } : { suppression }
    },

    async endSuppression(id, by, tenant) {
      const changes = await change((book, at) => book.endSuppression(id, by, at, tenant))
      return changes !== undefined
    },

    canaries: async () => [...watch.canaries],

    async addCanaries(ids, by) {
      const changes = await change((book, at) => book.addCanaries(ids, watch.canaries, by, at))
      return changes === 'too_many' ? { refused: changes } : { added: changes.canaries.length }
    },

    async eraseText(id, by, tenant) {
      const changes = await change((book, at) => {
        const text = tables.text(id)
        const about = text && (tables.finding(text.of) ?? tables.suppression(text.of))
        if (text?.text === undefined || about === undefined || !isOf(about, tenant)) return undefined
        return book.eraseText(text, about, by, at)
      })
      return changes !== undefined
    },
  }
}
