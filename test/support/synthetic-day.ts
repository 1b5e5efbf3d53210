import { present } from '../../src/base/present.ts'
import { canonical } from '../../src/ledger/canonical.ts'
import type { WatchedRecord } from '../../src/watch/detection.ts'
import { type Facts, Isolates, Schedule, seeded } from './synthetic-log.ts'

// A day of a clinic's log, as it would be without anything wrong: what people, apps, recorders, analysts and bots do, and
// what the gate says of itself. It comes out record by record, so that a million of them need no room.

/** The day. */
export const MIDNIGHT: number = Date.parse('2026-11-23T00:00:00.000Z')
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Records of one session of a patient, on average. */
const SESSION = 7.3
const PATIENTS = 200_000

/** How much is done in each hour, compared with the others. */
const BUSY = [2, 1, 1, 1, 1, 2, 4, 8, 12, 12, 11, 10, 9, 9, 10, 10, 11, 12, 13, 14, 12, 9, 6, 3]

export interface Day {
  /** About how many records. */
  readonly records: number
  readonly seed: number
  /** What else happens: puts records onto the schedule. */
  readonly also?: (day: Planner) => void
}

/** What may be put onto a day. */
export interface Planner {
  readonly random: () => number
  /** Has a record made at a time. */
  at(time: number, facts: Facts): void
  /** Has a patient look into their recordings. */
  session(time: number, who: number, more?: Facts): void
  /** Loses records of the isolate that is at work, at a time. */
  lose(time: number, count: number): void
}

/** The records of a day, in the order of the log. */
export function* syntheticDay({ records, seed, also }: Day): Generator<WatchedRecord> {
  const random = seeded(seed)
  const schedule = new Schedule()
  const isolates = new Isolates(Math.max(3, Math.round(records / 100_000)), random)
  const planner: Planner = {
    random,
    at: (time, facts) => schedule.add(time, () => ({ time, facts, gate: isolates.next(time) })),
    session: (time, who, more) => session(planner, schedule, isolates, { time, who, more }),
    lose: (time, count) =>
      schedule.add(time, () => {
        for (let i = 0; i < count; i++) isolates.next(time)
        return undefined
      }),
  }
  gateItself(planner, isolates)
  families(planner)
  bots(planner)
  clinics(planner)
  analysts(planner)
  keyRotation(planner)
  also?.(planner)
  const sum = BUSY.reduce((all, one) => all + one, 0)
  let arrival = MIDNIGHT
  let index = 0
  const next = () => {
    const hour = BUSY[Math.floor((arrival - MIDNIGHT) / HOUR)] ?? 1
    const rate = ((records / SESSION) * hour) / sum / HOUR
    arrival += -Math.log(1 - random()) / rate
  }
  for (next(); ; ) {
    while (arrival < MIDNIGHT + DAY && arrival <= (schedule.next ?? Number.POSITIVE_INFINITY)) {
      planner.session(arrival, Math.floor(random() * PATIENTS))
      next()
    }
    const made = schedule.take()
    if (made === undefined) {
      if (schedule.next === undefined && arrival >= MIDNIGHT + DAY) return
      continue
    }
    index += 1
    yield recordOf(index, made, random)
  }
}

/** Writes a record out. */
function recordOf(index: number, { time, facts, gate }: Made, random: () => number): WatchedRecord {
  const recorded = new Date(facts.late === undefined ? time : time - Number(facts.late)).toISOString()
  const { late: _, ...said } = present(facts)
  const id = typeof facts.id === 'string' ? facts.id : uuid(time, random)
  const head = { v: 1, t: recorded, recorded, tenant: 'default', ...said, id }
  return { index, id, json: canonical({ ...head, gate: { version: '0.7.0', ...gate } }) }
}
type Made = NonNullable<ReturnType<Schedule['take']>>

/** A patient's app: a list, a ticket, a view, and what left in it. */
function session(
  planner: Planner,
  schedule: Schedule,
  isolates: Isolates,
  { time, who, more }: { readonly time: number; readonly who: number; readonly more: Facts | undefined },
): void {
  const { random } = planner
  const home = personOf(who)
  const key = planner.random() * 2 ** 52
  const login = { ...home, session: name('session', key), token: name('token', key), ...more }
  const count = 2 + (who % 7)
  const recording = recordingOf(who, Math.floor(random() * count))
  // Came with the token of yesterday, and got another one.
  if (random() < 0.06) planner.at(time - 2_000, { ...login, ...denied('token_expired', 401), recording })
  const answers = Array.from({ length: count }, (_, i) => answerOf(who, i, random() < 0.01))
  planner.at(time, { ...login, kind: 'listed', decision: 'permit', answers })
  const ticket = uuid(time, random)
  const watched = { ...login, owner: home.subject, recording, ticket }
  const start = time + 3_000 + random() * 20_000
  planner.at(start - 1_000, {
    ...watched,
    ...permitted('ticket'),
    id: ticket,
    ticket: undefined,
    expires: iso(time + HOUR),
  })
  const view = uuid(start, random)
  planner.at(start, { ...watched, ...permitted('view'), id: view })
  // Leaves the house, and the Wi-Fi.
  if (random() < 0.03) planner.at(start + 4 * MINUTE, { ...watched, ...permitted('view'), net: mobile(who) })
  // An old link to a recording that was deleted.
  if (random() < 0.004)
    planner.at(start + 1_000, { ...login, ...denied('recording_unknown'), recording: `old-${who}` })
  const sums = 1 + Math.floor(random() * 7)
  for (let i = 0; i < sums; i++) {
    // The numbers of the sums are taken while they are made; the log puts them together minutes later.
    schedule.add(start + i * 5 * MINUTE, () => {
      const numbers = [isolates.next(start), isolates.next(start), isolates.next(start)]
      const [gate] = numbers
      if (gate === undefined) return undefined
      const merged = mergeOf(numbers)
      const bytes = Math.floor(random() * 50_000_000)
      const parts = [{ part: 'video.m4s', ranges: [[0, bytes]] }]
      const tally = { view, answers: 30, cut: 1, assumed: 0, bytes, parts, merged }
      const facts = { ...watched, ...permitted('delivery'), ...tally }
      const over = start + (i + 1) * 5 * MINUTE
      schedule.add(over, () => ({ time: over, facts, gate }))
      return undefined
    })
  }
}

function mergeOf(numbers: readonly { isolate: string; seq: number }[]): readonly object[] {
  const byIsolate = Map.groupBy(numbers, ({ isolate }) => isolate)
  return [...byIsolate].map(([isolate, those]) => ({ isolate, seq: those.map(({ seq }) => seq) }))
}

/** A heartbeat of each isolate every minute. Some records wait for a moment in the spool. */
function gateItself({ at, random }: Planner, isolates: Isolates): void {
  for (let time = MIDNIGHT; time < MIDNIGHT + DAY; time += MINUTE) {
    for (let i = 0; i < isolates.size; i++)
      at(time + random() * MINUTE, { kind: 'heartbeat', tenant: 'default' })
    if (random() < 0.02) at(time, { kind: 'heartbeat', tenant: 'default', late: 45_000 })
  }
}

/** Six devices that families share: after another login, the app still has the links of the one before. 200 refusals. */
function families({ at, session, random }: Planner): void {
  for (const [family, refusals] of [60, 40, 30, 30, 25, 15].entries()) {
    const parent = 1_000 + family
    const child = personOf(300_000 + family)
    const { net, tenant, client, release } = personOf(parent)
    const login = {
      ...child,
      net,
      tenant,
      client,
      release,
      session: name('session', family),
      token: name('token', family),
    }
    let time = MIDNIGHT + (7 + random() * 14) * HOUR
    session(time - 5 * MINUTE, parent)
    for (let i = 0; i < refusals; i++) {
      time += random() * 60_000
      const theirs = { owner: name('subject', parent), recording: recordingOf(parent, i % 2) }
      at(time, { ...login, ...denied('not_owner'), ...theirs })
    }
  }
}

/** Who tries the doors of every host: without a token, with rubbish for one, and at paths that aren't there. */
function bots({ at, random }: Planner): void {
  for (let bot = 0; bot < 4; bot++) {
    const net = { prefix: `192.0.${bot}.0/24`, ip: name('ip', bot), asn: 60_000 + bot, country: 'NL' }
    const start = MIDNIGHT + random() * 20 * HOUR
    for (let i = 0; i < 500; i++) {
      const reason =
        bot === 0 && i % 10 === 0 ? 'token_malformed' : i % 2 === 0 ? 'token_missing' : 'path_invalid'
      at(start + i * 300, {
        ...denied(reason, reason === 'path_invalid' ? 404 : 401),
        net,
        recording: `wp-${i}`,
      })
    }
    const of = uuid(start, random)
    const sum = { of, count: 20_000, first: of, last: of, sample: [of] }
    at(start + 4 * MINUTE, { ...denied('token_missing', 401), net, sum })
  }
}

/** Recorders store the morning's consultations, and patients watch them in the waiting room. */
function clinics({ at, session, random }: Planner): void {
  for (let clinic = 0; clinic < 3; clinic++) {
    const net = {
      prefix: `198.51.${100 + clinic}.0/24`,
      ip: name('ip', 90 + clinic),
      asn: 64_500,
      country: 'GB',
    }
    const recorder = { subject: name('recorder', clinic), roles: ['recorder'], tenant: tenantOf(clinic), net }
    for (let i = 0; i < 120; i++) {
      const who = 50_000 + clinic * 1_000 + i
      const time = MIDNIGHT + 8 * HOUR + random() * 3.5 * HOUR
      const recording = `new-${who}`
      const bound = {
        ...permitted('binding'),
        action: 'bound',
        source: 'upload',
        owner: name('subject', who),
        recording,
      }
      at(time, { ...recorder, ...bound })
      if (i % 3 === 0) session(time + 10 * MINUTE, who, { net })
    }
    // A part was sent twice.
    at(MIDNIGHT + 9 * HOUR, {
      ...recorder,
      ...denied('upload_conflict', 409),
      recording: `new-${50_000 + clinic * 1_000}`,
    })
  }
}

/** Analysts look after refusals and cases. */
function analysts({ at, random }: Planner): void {
  for (let analyst = 0; analyst < 5; analyst++) {
    const login = {
      subject: name('analyst', analyst),
      roles: ['security'],
      session: name('session', -analyst),
    }
    for (let i = 0; i < 30; i++) {
      const time = MIDNIGHT + (8 + random() * 10) * HOUR
      const rows = Math.ceil(random() * 200)
      at(time, { ...login, ...permitted('console'), action: 'read', query: { kind: 'access' }, rows })
    }
  }
}

/** The issuer publishes its next key. Some tokens are under one that an isolate doesn't have yet. */
function keyRotation({ at, random }: Planner): void {
  const time = MIDNIGHT + 10 * HOUR
  const keys = {
    kind: 'keys',
    issuer: ISSUER,
    before: [thumbprint(1), thumbprint(2)],
    after: [thumbprint(2), thumbprint(3)],
  }
  for (let i = 0; i < 8; i++) at(time + random() * 5 * MINUTE, keys)
  for (let i = 0; i < 60; i++) {
    const { net } = personOf(Math.floor(random() * PATIENTS))
    at(time + random() * 10 * MINUTE, { ...denied('token_key_unknown', 401), net })
  }
}

const ISSUER = 'https://login.clinic.example/'
const RELEASES = ['4.11.2', '4.11.2', '4.11.2', '4.11.1', '4.10.0']
const iso = (time: number): string => new Date(time).toISOString()
const tenantOf = (who: number): string => ['default', 'north', 'south'][who % 3] ?? 'default'

/** What the records of a patient share. */
export function personOf(who: number): Facts & { readonly subject: string; readonly net: object } {
  const prefix = `${80 + (who % 8)}.${(who >> 3) % 256}.${(who >> 11) % 256}.0/24`
  return {
    subject: name('subject', who),
    ...{ issuer: ISSUER, roles: ['patient'], tenant: tenantOf(who), client: 'patient-app' },
    release: RELEASES[who % RELEASES.length],
    net: { prefix, ip: name('ip', who), asn: 2_000 + (who % 40), country: 'GB' },
  }
}

const mobile = (who: number): object => ({
  ...{ prefix: `100.${who % 64}.1.0/24`, ip: name('ip', who % 5_000), asn: 12_576, country: 'GB' },
})

export const recordingOf = (who: number, number: number): string => `rec-${who}-${number}`

function answerOf(who: number, number: number, isDeleted: boolean): object {
  const recording = recordingOf(who, number)
  if (isDeleted) return { recording, decision: 'deny', reason: 'recording_unknown' }
  return { recording, decision: 'permit', owner: name('subject', who) }
}

export const permitted = (kind: string): Facts => ({ kind, decision: 'permit' })
export const denied = (reason: string, status = 404): Facts => ({
  ...{ kind: 'access', decision: 'deny', method: 'GET', reason, status },
})

/** A pseudonym, made without the cost of one. */
export function name(field: string, of: number): string {
  let hex = ''
  for (let i = 0; i < 4; i++)
    hex += mix((FIELDS.indexOf(field) + 1) * 0x9e3779b1 + i * 7_919 + of + of / 2 ** 21)
  return `psn_${hex}`
}
const FIELDS = ['subject', 'session', 'token', 'ip', 'recorder', 'analyst']

export const thumbprint = (of: number): string => `key-${of}-${'x'.repeat(38)}`.slice(0, 43)

function uuid(time: number, random: () => number): string {
  const millis = Math.floor(time).toString(16).padStart(12, '0')
  const [a, b] = [mix(random() * 2 ** 32), mix(random() * 2 ** 32)]
  return `${millis.slice(0, 8)}-${millis.slice(8)}-7${a.slice(0, 3)}-8${a.slice(3, 6)}-${b}${a.slice(0, 4)}`
}

/** Eight hexadecimal digits that look like chance. */
function mix(value: number): string {
  let mixed = value | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return ((mixed ^ (mixed >>> 16)) >>> 0).toString(16).padStart(8, '0')
}
