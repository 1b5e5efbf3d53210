import { KINDS } from '../../ledger/event.ts'
import { type LedgerQuery, QUERY_FIELDS } from '../../ledger/ledger.ts'
import type { Sql, SqlValue } from './sql.ts'

/** What to read of one table. */
export interface TableQuery extends Omit<LedgerQuery, 'after'> {
  /** The `cursor` of an entry or a page of this table, or 0. */
  readonly after: number
}

/** A row of the table, as it is read. */
export interface EventRow {
  readonly leaf: number
  readonly id: string
  readonly json: string
}

/** The leaves `from` to `to - 1`. */
export interface Span {
  readonly from: number
  readonly to: number
}

interface Condition {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/**
 * How a query is answered: one index leads to the candidates, in the order of the log, and the rows of these are then
 * filtered. So the work of one step is bounded by the number of candidates, however few of them match.
 */
export class EventSearch {
  readonly #sql: Sql
  /** Where candidates come from. Several sources are put together by leaf. */
  readonly #sources: readonly Condition[]
  readonly #filters: readonly Condition[]
  readonly #latest: boolean

  /** @param since in milliseconds since 1970 */
  constructor(sql: Sql, query: TableQuery, since: number | undefined) {
    this.#sql = sql
    this.#latest = query.latest === true
    const { kind, tenant } = query
    const named = QUERY_FIELDS.flatMap(name => {
      const value = query[name]
      return value === undefined ? [] : [{ name, value }]
    })
    const filters: Condition[] = named.map(({ name, value }) => ({ sql: `${name} = ?`, values: [value] }))
    if (since !== undefined) filters.push({ sql: 'recorded >= ?', values: [since] })
    const ofKind = kind === undefined ? [] : [{ sql: 'kind = ?', values: [kind] }]
    const [first] = named
    // The most telling index first. INDEXED BY fails instead of scanning, should the index not fit one day.
    if (first !== undefined) {
      const { name, value } = first
      this.#sources = [{ sql: `event INDEXED BY event_${name} WHERE ${name} = ?`, values: [value] }]
      this.#filters = [...filters.slice(1), ...ofKind, ...(tenant === undefined ? [] : [ofTenant(tenant)])]
    } else if (tenant !== undefined) {
      // One source for each kind, as an index by tenant and kind has no order by leaf over all kinds.
      this.#sources = (kind === undefined ? KINDS : [kind]).map(one => ({
        sql: 'event_tenant WHERE tenant = ? AND kind = ?',
        values: [tenant, one],
      }))
      this.#filters = filters
    } else if (kind !== undefined) {
      this.#sources = [{ sql: 'event INDEXED BY event_kind WHERE kind = ?', values: [kind] }]
      this.#filters = filters
    } else {
      this.#sources = [{ sql: 'event WHERE true', values: [] }]
      this.#filters = filters
    }
  }

  /** Whether a candidate may not be what the query asks for. */
  get isFiltered(): boolean {
    return this.#filters.length > 0
  }

  /** Returns the next candidates of a span: the first ones or, for the latest, the last ones first. At most `limit`. */
  candidates({ from, to }: Span, limit: number): number[] {
    const order = this.#latest ? 'DESC' : 'ASC'
    const leaves = this.#sources.flatMap(({ sql, values }) =>
      this.#sql<{ leaf: number }>(
        `SELECT leaf FROM ${sql} AND leaf >= ? AND leaf < ? ORDER BY leaf ${order} LIMIT ?`,
        ...values,
        ...[from, to, limit],
      ).map(({ leaf }) => leaf),
    )
    return leaves.sort((a, b) => (this.#latest ? b - a : a - b)).slice(0, limit)
  }

  /** Returns those rows of some leaves that the query asks for, in the order of the candidates. */
  rows(leaves: readonly number[]): EventRow[] {
    const filter = this.#filters.map(({ sql }) => ` AND ${sql}`).join('')
    return this.#sql<EventRow>(
      `SELECT leaf, id, json FROM (SELECT value AS leaf FROM json_each(?)) CROSS JOIN event USING (leaf) WHERE true${filter}`,
      JSON.stringify(leaves),
      ...this.#filters.flatMap(({ values }) => values),
    ).sort((a, b) => (this.#latest ? b.leaf - a.leaf : a.leaf - b.leaf))
  }
}

const ofTenant = (tenant: string): Condition => ({
  sql: `EXISTS (SELECT 1 FROM event_tenant AS seen
    WHERE seen.tenant = ? AND seen.kind = event.kind AND seen.leaf = event.leaf)`,
  values: [tenant],
})
