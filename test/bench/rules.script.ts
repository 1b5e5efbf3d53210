import process from 'node:process'
import type { WatchedRecord, WindowState } from '../../src/watch/detection.ts'
import { Rules } from '../../src/watch/engine/engine.ts'
import { syntheticDay } from '../support/synthetic-day.ts'

// What the rules cost: one line of JSON for each figure. To be run with `node --expose-gc`. First the time of a normal day. Then what they keep in memory while a
// million people are refused what they ask for: each record is one that as many rules as possible count, and nearly each is
// about a group that none of them knows.

const SUBJECTS = 1_000_000
const RECORDINGS = 300_000
const BATCH = 200
/** Records of the day, and how many of them are made before the rules look at them. */
const DAY = 1_000_000
const MADE = 2_000
const START = Date.parse('2026-11-23T00:00:00.000Z')
/** When the heap is measured, in millions of records. */
const MEASURED = [0.1, 1, 3, 10]

const engine = new Rules({ seed: 1, canaries: () => CANARIES })
const CANARIES: ReadonlySet<string> = new Set(['canary-1'])
const collect = globalThis.gc ?? (() => {})

/** A number below a limit that looks like chance. */
const chance = (i: number, limit: number): number =>
  Math.floor(((Math.imul(i, 2_654_435_761) >>> 0) / 2 ** 32) * limit)
const pseudonym = (field: number, of: number): string => `psn_${`${field}${of}`.padStart(32, '0')}`

function recordOf(i: number): WatchedRecord {
  const recorded = new Date(START + i * 5).toISOString()
  const who = chance(i, SUBJECTS)
  const subject = pseudonym(1, who)
  const recording = `rec-${chance(i * 3, RECORDINGS)}`
  const isView = i % 4 === 0
  const owner = isView ? subject : pseudonym(1, chance(i * 3, RECORDINGS))
  const net = `{"asn":${who % 5_000},"country":"GB","ip":"${pseudonym(2, who)}","prefix":"10.${who % 250}.${(who >> 8) % 250}.0/24"}`
  const gate = `{"isolate":"${(i >> 16).toString(16).padStart(8, '0')}","seq":${(i & 65_535) + 1},"version":"0.7.0"}`
  const reason = i % 2 === 0 ? 'recording_unknown' : 'not_owner'
  const kind = isView ? '"decision":"permit"' : '"decision":"deny"'
  const what = isView ? '"kind":"view"' : '"kind":"access"'
  const why = isView ? '' : `"reason":"${reason}",`
  const json = `{${kind},"gate":${gate},"id":"${i}",${what},"net":${net},"owner":"${owner}",${why}"recorded":"${recorded}","recording":"${recording}","release":"4.${i % 50}","session":"${pseudonym(3, who)}","subject":"${subject}","t":"${recorded}","tenant":"default","token":"${pseudonym(4, who)}","v":1}`
  return { index: i, id: `${i}`, json: Buffer.from(json).toString() }
}

function heap(): number {
  for (let i = 0; i < 3; i++) collect()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** The time of a day for each record, in microseconds of CPU and by the clock: without making the records, and without storage. */
function costOfDay(amount: number): { cpu: number; clock: number; read: number; written: number } {
  const rules = new Rules({ canaries: () => CANARIES })
  // As storage has them: the collector of garbage has no work with them.
  const rows = new Map<string, string>()
  const sum = { records: 0, cpu: 0, clock: 0, read: 0, written: 0 }
  const timed = <T>(work: () => T): T => {
    const began = performance.now()
    const start = process.cpuUsage()
    const done = work()
    const { user, system } = process.cpuUsage(start)
    sum.cpu += user + system
    sum.clock += 1_000 * (performance.now() - began)
    return done
  }
  const look = (records: readonly WatchedRecord[]) => {
    // What was left of making the records is not the rules' garbage.
    collect({ type: 'minor' })
    sum.records += records.length
    for (let i = 0; i < records.length; i += BATCH) {
      const batch = records.slice(i, i + BATCH)
      const needed = timed(() => rules.needs(batch))
      const stored = new Map<string, WindowState>()
      for (const key of needed) {
        const row = rows.get(key)
        if (row !== undefined) stored.set(key, JSON.parse(row) as WindowState)
      }
      const { windows } = timed(() => rules.observe(batch, stored))
      for (const window of windows) rows.set(window.key, JSON.stringify(window))
      sum.read += needed.length
      sum.written += windows.length
    }
  }
  let made: WatchedRecord[] = []
  for (const record of syntheticDay({ records: amount, seed: 1 })) {
    // A string that was put together of many is one only when it is first read.
    made.push({ ...record, json: Buffer.from(record.json).toString() })
    if (made.length < MADE) continue
    look(made)
    made = []
  }
  look(made)
  const { records, cpu, clock, read, written } = sum
  return { cpu: cpu / records, clock: clock / records, read, written }
}

// The first one is for the compiler.
costOfDay(DAY / 10)
const { cpu, clock, read, written } = costOfDay(DAY)
const say = (name: string, value: number, unit: string) =>
  process.stdout.write(`${JSON.stringify({ name, value, unit })}\n`)
say('rules: CPU of a record, a day of a million records', cpu, 'µs')
say('rules: a record by the clock', clock, 'µs')
say('rules: rows read', read, '')
say('rules: rows written', written, '')

const before = heap()
let records = 0
for (const millions of MEASURED) {
  while (records < millions * 1e6) {
    const batch: WatchedRecord[] = []
    for (let i = 0; i < BATCH; i++) batch.push(recordOf(++records))
    engine.needs(batch)
    engine.observe(batch, new Map())
  }
  say(`rules: memory after ${millions} M records of 1 M subjects`, heap() - before, 'MiB')
}
