import type { Detection, WatchedRecord, WindowState } from '../../src/watch/detection.ts'
import { Rules } from '../../src/watch/engine/engine.ts'
import { isAtLeast, type Severity, worse } from '../../src/watch/severity.ts'
import { CANARY } from './planted-attacks.ts'

/** Records that are looked at in one go, as a log that is under load does. */
const BATCH = 200
/** How long a finding takes repeats in after the last one, and how long at most, in milliseconds. */
const KEPT_ALIVE = 3_600_000
const LONGEST = 24 * KEPT_ALIVE

export interface Finding {
  readonly rule: string
  readonly tenant: string
  readonly group: Detection['group']
  readonly first: number
  last: number
  count: number
  severity: Severity
}

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

/** Folds what rules found into findings: one for each rule, tenant and group, as long as it goes on. */
export function findingsOf(detections: readonly Detection[]): readonly Finding[] {
  const open = new Map<string, Finding>()
  const findings: Finding[] = []
  for (const { rule, tenant, group, severity, time } of detections) {
    const key = JSON.stringify([rule, tenant, group])
    const known = open.get(key)
    if (known !== undefined && time - known.last < KEPT_ALIVE && time - known.first < LONGEST) {
      known.last = time
      known.count += 1
      known.severity = worse(known.severity, severity)
      continue
    }
    const finding = { rule, tenant, group, first: time, last: time, count: 1, severity }
    open.set(key, finding)
    findings.push(finding)
  }
  return findings
}

/** Those that an alert is sent for. */
export function alertsOf(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ severity }) => isAtLeast(severity, 'high'))
}
