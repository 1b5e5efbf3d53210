import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { canonical } from '../../src/ledger/canonical.ts'
import type { Detection, RuleEngine, WatchedRecord, WindowState } from '../../src/watch/detection.ts'

const FOLDER = 'test/vectors/rules'
/** When the first record of each sequence was made. */
export const START: number = Date.parse('2026-11-20T08:00:00.000Z')

/** A sequence of records in shorthand, and what a rule must find in it. */
export interface Sequence {
  readonly title: string
  readonly records: readonly (Shorthand | Repeated)[]
  readonly group?: Detection['group']
  readonly severity?: string
  readonly count?: number
  readonly mayBlock?: true
  /** How many times the rule finds something. At least once, if absent. */
  readonly detections?: number
  /** False if a start in between loses it: what was missing before the records that are replayed. */
  readonly restarts?: false
}

/** The sequences in which a rule must find something, and those in which it must not. */
export interface RuleFixture {
  readonly rule: string
  readonly canaries?: readonly string[]
  readonly fires: readonly Sequence[]
  readonly silent: readonly Sequence[]
}

/**
 * A record without what all records have. `at` is in seconds from the start; `@name` is a pseudonym or a thumbprint, `#name`
 * an id.
 */
interface Shorthand {
  readonly at: number
  readonly kind: string
  readonly [member: string]: unknown
}
/** The same record several times, at intervals in seconds. A `#` at the end of a string becomes the number of the record. */
interface Repeated {
  readonly times: number
  readonly every: number
  readonly record: Shorthand
}

/** Reads all fixtures. */
export function ruleFixtures(): readonly RuleFixture[] {
  return readdirSync(FOLDER)
    .toSorted()
    .map(name => JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8')) as RuleFixture)
}

/** Writes the records of a sequence out. */
export function recordsOf({ records }: Sequence): readonly WatchedRecord[] {
  return records
    .flatMap(one => (isRepeated(one) ? repeated(one) : [one]))
    .map((shorthand, i) => recordOf(shorthand, i + 1))
}

/** Writes the group of a sequence out. */
export function groupOf({ group }: Sequence): unknown {
  return named(group, 'group')
}

/** Runs records through an engine in batches, with rows that only a round through JSON keeps. */
export class RuleRun {
  readonly rows: Map<string, string> = new Map()
  readonly detections: Detection[] = []
  /** How many rows were asked for and written. */
  read = 0
  written = 0

  observe(engine: RuleEngine, records: readonly WatchedRecord[]): readonly Detection[] {
    const asked = engine.needs(records)
    this.read += asked.length
    const stored = new Map<string, WindowState>()
    for (const key of asked) {
      const row = this.rows.get(key)
      if (row !== undefined) stored.set(key, JSON.parse(row) as WindowState)
    }
    const { detections, windows } = engine.observe(records, stored)
    this.written += windows.length
    for (const window of windows) this.rows.set(window.key, JSON.stringify(window))
    this.detections.push(...detections)
    return detections
  }
}

const isRepeated = (one: Shorthand | Repeated): one is Repeated => 'times' in one

function repeated({ times, every, record }: Repeated): readonly Shorthand[] {
  return Array.from({ length: times }, (_, i) => ({
    ...(numbered(record, `${i}`) as Shorthand),
    at: record.at + every * i,
  }))
}

function numbered(value: unknown, number: string): unknown {
  if (typeof value === 'string') return value.endsWith('#') ? value.slice(0, -1) + number : value
  if (Array.isArray(value)) return value.map(one => numbered(one, number))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, numbered(one, number)]))
}

/** What a record of a kind has, if the fixture doesn't say otherwise. */
const DEFAULTS: Readonly<Record<string, object>> = {
  access: { decision: 'deny', status: 404, method: 'GET' },
  ticket: { decision: 'permit', expires: '2026-11-20T09:00:00.000Z' },
  view: { decision: 'permit' },
  delivery: { decision: 'permit', answers: 1, cut: 0, assumed: 0 },
  listed: { decision: 'deny' },
  console: { decision: 'permit' },
  binding: { decision: 'permit' },
}

function recordOf({ at, ...said }: Shorthand, index: number): WatchedRecord {
  const time = new Date(START + at * 1000).toISOString()
  const members = named({ ...DEFAULTS[said.kind], ...said }, '') as Record<string, unknown>
  const id = typeof members.id === 'string' ? members.id : uuid(`record ${index}`)
  const answers = Array.isArray(members.answers) && { answers: members.answers.map(answered) }
  const gate = { version: '0.7.0', isolate: 'f1f1f1f1', seq: index, ...(members.gate as object) }
  const record = { v: 1, t: time, recorded: time, tenant: 'default', ...members, ...answers, id, gate }
  return { index, id, json: canonical(record) }
}

const answered = (answer: object): object => ({ decision: 'reason' in answer ? 'deny' : 'permit', ...answer })

/** Puts names in place of their shorthand. */
function named(value: unknown, member: string): unknown {
  if (Array.isArray(value)) return value.map(one => named(one, member))
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, one]) => one !== null)
    return Object.fromEntries(members.map(([name, one]) => [name, named(one, name)]))
  }
  if (typeof value !== 'string') return value
  if (value.startsWith('#')) return uuid(value)
  if (!value.startsWith('@')) return value.replaceAll(/@(\w+)/g, (_, name: string) => pseudonymOf(name))
  const isKey = member === 'before' || member === 'after'
  const [who = '', ...rest] = value.slice(1).split('-')
  return isKey ? sha256(value, 'base64url') : pseudonymOf([who, ...rest].join('-'))
}

/** A pseudonym as the gate makes them. */
export const pseudonymOf = (name: string): string => `psn_${sha256(name, 'hex').slice(0, 32)}`

function uuid(name: string): string {
  const hex = sha256(name, 'hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const sha256 = (value: string, encoding: 'hex' | 'base64url'): string =>
  createHash('sha256').update(value).digest(encoding)
