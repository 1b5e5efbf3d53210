import type { Measurements } from './costs.ts'
import { added, type Counts, scaled, sumOf } from './meter.ts'
import { costOf, costOfStorage, priceOf } from './prices.ts'
import type { Asking, Run } from './runs.ts'

/** What a record is of. That of a delivery is put together from the sums of bytes of five minutes. */
export type Kind = Asking | 'delivery'
/** How large a part of the records each kind is. */
export type Mix = Readonly<Partial<Record<Kind, number>>>
/** Rows or dollars by what they are for. */
export type Lines = Readonly<Record<string, number>>

/** So many records are entered into the index together. */
const BATCH = 64
/** Sums of bytes of five minutes: an isolate makes one in ten seconds. */
const SUMS = 30
/** Months in the live log, and in the archive. */
const [LIVE, ARCHIVED] = [3, 72]
/** A segment of the archive has so many records at most, or those of an hour. It is two objects. */
const [SEGMENT, OBJECTS] = [4000, 2]
const MILLION = 1e6
/** Records that got their index. */
const RECORDS = /^records$/

/** The rows that each part of the ledger writes. The row with the id of the log is one for each inbox, once. */
const ROWS = {
  inbox: /^(INSERT|DELETE) waiting rows$|^alarms set$/,
  sums: /^(INSERT|UPDATE|DELETE) held_\w+ rows$/,
  log: /^INSERT event rows$/,
  index: /^INSERT event_term rows$/,
  charts: /^INSERT event_(time|count) rows$/,
  others: /^(?!\w+ (waiting|log|held_\w+|event|event_term|event_time|event_count) )\w+ \w+ rows$/,
} as const

/** Computes what records, and an hour watched, come to. */
export class CostModel {
  readonly #measured: Measurements

  constructor(measured: Measurements) {
    this.#measured = measured
  }

  /** Returns the rows written for a record of a kind, if appends come as in a run. */
  rowsOf(kind: Kind, appends: Run): Lines {
    const { stored } = this.#measured
    const sums = kind === 'delivery' ? SUMS : 0
    const index = this.#index(kind)
    return {
      'in an inbox, and when it is dropped there': (sums || 1) * perRequest(appends, ROWS.inbox),
      'while it is put together': sums * this.#rowsOfSum(),
      'in the log, and its id': perRecord(appends.counts, ROWS.log),
      'in the index': index,
      'for charts': perEntered(appends.counts, ROWS.charts),
      'when it is pruned': sumOf(stored.pruning, /^DELETE event rows$/) / stored.records + index,
      others: perRequest(appends, ROWS.others),
    }
  }

  /**
   * Returns the dollars for a million records of a mix, if appends come as in a run.
   *
   * @param rate records a second
   */
  million(mix: Mix, appends: Run, rate: number): Lines {
    const { kinds, stored } = this.#measured
    const shares = Object.entries(mix) as [Kind, number][]
    const rows: Record<string, number> = {}
    for (const [kind, share] of shares) {
      for (const [name, count] of Object.entries(this.rowsOf(kind, appends))) {
        const line = `rows ${name}`
        rows[line] = (rows[line] ?? 0) + priceOf('rowWritten', share * count * MILLION)
      }
    }
    // The requests of a player are those of an hour watched.
    const asked = shares.flatMap(([kind, share]) =>
      kind === 'delivery' || kind === 'view'
        ? []
        : [scaled(kinds[kind].counts, (share * MILLION) / kinds[kind].requests)],
    )
    const count = shares.reduce((sum, [kind, share]) => sum + share * (kind === 'delivery' ? SUMS : 1), 0)
    const called = scaled(appends.counts, (count * MILLION) / appends.requests)
    const objects = (OBJECTS * MILLION) / Math.min(SEGMENT, rate * 3600)
    return {
      'requests and CPU of the worker': costOf.worker(added(...asked)),
      'operations of R2': costOf.bucket(added(...asked)),
      'calls of Durable Objects': costOf.calls(called),
      'time of Durable Objects': costOf.time(called),
      ...rows,
      'rows read': costOf.read(called),
      '90 days in the log': costOfStorage('objectStorage', stored.live * MILLION, LIVE),
      'six years in the archive (not measured: two objects for a segment)':
        costOfStorage('bucketStorage', stored.archived * MILLION, ARCHIVED) + priceOf('classA', objects),
    }
  }

  /** Returns the dollars for an hour that one person watches alone, and what was counted. */
  hour(player: keyof Measurements['watched']): { readonly lines: Lines; readonly counts: Counts } {
    const { beginning, fiveMinutes } = this.#measured.watched[player]
    // The half minute at the beginning is a tenth of five minutes, and what happens once.
    const counts = added(beginning, scaled(fiveMinutes, 12 - 0.1))
    const { stored, rates } = this.#measured
    const records = sumOf(counts, RECORDS)
    const view = this.rowsOf('view', rates.sparse)
    const entered = (view['in the index'] ?? 0) + (view['for charts'] ?? 0) + (view['when it is pruned'] ?? 0)
    const sums = sumOf(counts, /^INSERT held_id times$/)
    const written = (amount: number) => priceOf('rowWritten', amount)
    const lines = {
      'requests and CPU of the worker': costOf.worker(counts),
      'operations of R2': costOf.bucket(counts),
      'calls of Durable Objects': costOf.calls(counts),
      'time of Durable Objects': costOf.time(counts),
      'rows in inboxes, and when they are dropped': written(sumOf(counts, ROWS.inbox)),
      'rows while deliveries are put together': written(sumOf(counts, ROWS.sums) + sums * this.#forgetting()),
      'rows in the log, its index and charts, and when they are pruned': written(
        sumOf(counts, ROWS.log) + records * entered,
      ),
      'other rows': written(sumOf(counts, ROWS.others)),
      '90 days in the log': costOfStorage('objectStorage', stored.live * records, LIVE),
    }
    return { lines, counts }
  }

  #index(kind: Kind): number {
    // A delivery is found by what its view is found by.
    return perEntered(this.#measured.kinds[kind === 'delivery' ? 'view' : kind].counts, ROWS.index)
  }

  /** Returns the rows for one sum of bytes: until it is put together with others, and its id is forgotten. */
  #rowsOfSum(): number {
    const { hls, mp4 } = this.#measured.watched
    const counts = added(hls.fiveMinutes, mp4.fiveMinutes)
    return sumOf(counts, ROWS.sums) / sumOf(counts, /^INSERT held_id times$/) + this.#forgetting()
  }

  #forgetting(): number {
    const { stored, kinds } = this.#measured
    return sumOf(stored.pruning, /^DELETE held_id rows$/) / sumOf(kinds.view.counts, /^INSERT held_id times$/)
  }
}

const perRequest = ({ counts, requests }: Run, names: RegExp): number => sumOf(counts, names) / requests
const perRecord = (counts: Counts, names: RegExp): number => sumOf(counts, names) / sumOf(counts, RECORDS)
const perEntered = (counts: Counts, names: RegExp): number =>
  sumOf(counts, names) / (BATCH * sumOf(counts, /^INSERT event_term times$/))
