import { followedAlert } from '../../src/alerts/receiver.ts'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import type { Detection, WatchedRecord, WindowState } from '../../src/watch/detection.ts'
import { Rules } from '../../src/watch/engine/engine.ts'
import type { Finding } from '../../src/watch/finding.ts'
import { FindingBook } from '../../src/watch/finding-book.ts'
import { watchWith } from '../../src/watch/in-force.ts'
import { CANARY } from './planted-attacks.ts'

/** Records that are looked at in one go, as a log that is under load does. */
const BATCH = 200
export interface WatchedDay {
  readonly records: number
  readonly detections: readonly Detection[]
  /** Rows that were read and written. */
  readonly read: number
  readonly written: number
  /** CPU time of the rules, in microseconds for each record. Other work of the process, such as its garbage, counts in part. */
  readonly cost: number
}

/** Has the rules look at a day. */
export function watchDay(day: Iterable<WatchedRecord>): WatchedDay {
  const engine = new Rules({ seed: 1, canaries: () => CANARIES })
  const rows = new Map<string, WindowState>()
  const detections: Detection[] = []
  const sum = { records: 0, read: 0, written: 0, micros: 0 }
  const look = (batch: readonly WatchedRecord[]) => {
    const start = process.cpuUsage()
    const keys = engine.needs(batch)
    const stored = new Map(keys.flatMap(key => rowOf(rows, key)))
    const { detections: found, windows } = engine.observe(batch, stored)
    const { user, system } = process.cpuUsage(start)
    sum.micros += user + system
    sum.records += batch.length
    sum.read += keys.length
    sum.written += windows.length
    detections.push(...found)
    for (const window of windows) rows.set(window.key, window)
  }
  let batch: WatchedRecord[] = []
  for (const record of day) {
    // A string that was put together of many is one only when it is first read.
    batch.push({ ...record, json: Buffer.from(record.json).toString() })
    if (batch.length < BATCH) continue
    look(batch)
    batch = []
  }
  look(batch)
  return { ...sum, detections, cost: sum.micros / sum.records }
}

const CANARIES: ReadonlySet<string> = new Set([CANARY])

function rowOf(rows: ReadonlyMap<string, WindowState>, key: string): [string, WindowState][] {
  const row = rows.get(key)
  return row === undefined ? [] : [[key, row]]
}

/** What becomes of what rules found. */
export interface Found {
  readonly findings: readonly Finding[]
  /** The records that a receiver of alerts is sent. */
  readonly alerts: readonly LedgerEntry[]
}

/** Folds what rules found into findings, as the log does. */
export function foundIn(detections: readonly Detection[]): Found {
  const book = new FindingBook(watchWith(), { findings: [], suppressions: [], seq: 0 })
  const { receiver } = followedAlert(
    { type: 'webhook', url: 'https://pager.example/', secret: 'not used' },
    { titleOf: rule => rule, fetchFor: () => () => Promise.reject(new Error('not used')), now: Date.now },
  )
  const findings = new Map<string, Finding>()
  const alerts: LedgerEntry[] = []
  for (const detection of detections) {
    const changes = book.apply([detection], detection.time)
    for (const finding of changes.findings) findings.set(finding.id, finding)
    alerts.push(...changes.records.filter(one => receiver.select({ ...one, index: 0 }) !== undefined))
  }
  return { findings: [...findings.values()], alerts }
}
