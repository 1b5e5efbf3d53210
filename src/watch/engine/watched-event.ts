import { type FoundEvent, parseEvent, recordedAt } from '../../ledger/query/terms.ts'
import type { WatchedRecord } from '../detection.ts'

/** Longest string that a rule looks at. What a record holds is shorter. */
const LONGEST = 256

/**
 * What rules look at in a record. Each member is absent if the record lacks it or has something else there: a log may hold
 * records of older versions, and any other JSON.
 */
export class WatchedEvent {
  readonly index: number
  readonly id: string
  /** When it was made, in milliseconds since 1970. */
  readonly time: number
  readonly kind: string
  readonly tenant: string
  readonly subject: string | undefined
  readonly session: string | undefined
  readonly token: string | undefined
  readonly ticket: string | undefined
  readonly recording: string | undefined
  readonly owner: string | undefined
  readonly release: string | undefined
  readonly client: string | undefined
  readonly issuer: string | undefined
  readonly reason: string | undefined
  /** The caller's network, and the pseudonym of its address. */
  readonly network: string | undefined
  readonly address: string | undefined
  readonly asn: number | undefined
  readonly country: string | undefined
  /** Says under which key its pseudonyms are. */
  readonly key: string | undefined
  readonly isProven: boolean
  readonly isDisputed: boolean
  /** How many refusals a record of a refusal is about. */
  readonly refusals: number
  /** All that the record says. */
  readonly said: FoundEvent
  #answers: readonly WatchedAnswer[] | undefined

  constructor({ index, id }: WatchedRecord, said: FoundEvent, time: number) {
    this.index = index
    this.id = id
    this.time = time
    this.kind = stringOf(said.kind) ?? ''
    this.tenant = stringOf(said.tenant) ?? 'default'
    this.subject = stringOf(said.subject)
    this.session = stringOf(said.session)
    this.token = stringOf(said.token)
    this.ticket = stringOf(said.ticket)
    this.recording = stringOf(said.recording)
    this.owner = stringOf(said.owner)
    this.release = stringOf(said.release)
    this.client = stringOf(said.client)
    this.issuer = stringOf(said.issuer)
    this.reason = stringOf(said.reason)
    const net = objectOf(said.net)
    this.network = stringOf(net.prefix)
    this.address = stringOf(net.ip)
    this.asn = typeof net.asn === 'number' ? net.asn : undefined
    this.country = stringOf(net.country)
    this.key = stringOf(objectOf(said.gate).key)
    this.isProven = said.release_proven === true
    this.isDisputed = said.disputed === true
    this.refusals = refusalsOf(said)
    this.said = said
  }

  /** The answers of a `listed` record; none of another. */
  get answers(): readonly WatchedAnswer[] {
    this.#answers ??= this.kind === 'listed' ? answersOf(this.said) : []
    return this.#answers
  }
}

/** An answer of a `listed` record. */
export interface WatchedAnswer {
  readonly recording: string | undefined
  readonly reason: string | undefined
  readonly isDisputed: boolean
}

/** Parses a record. `now` is when it was made if it doesn't say. */
export function watchedEvent(record: WatchedRecord, now: number): WatchedEvent {
  const said = parseEvent(record.json)
  return new WatchedEvent(record, said, recordedAt(said) || now)
}

function answersOf({ answers }: FoundEvent): readonly WatchedAnswer[] {
  if (!Array.isArray(answers)) return []
  return answers.map((answer: unknown) => {
    const { recording, reason, disputed } = objectOf(answer)
    return { recording: stringOf(recording), reason: stringOf(reason), isDisputed: disputed === true }
  })
}

/** Returns an object's members; none of what is no object. */
export function objectOf(value: unknown): FoundEvent {
  return typeof value === 'object' && value !== null ? (value as FoundEvent) : {}
}

/** Returns a string that isn't longer than what a record holds. */
export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST ? value : undefined
}

/** Returns the strings of a list. */
export function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.flatMap(one => stringOf(one) ?? []) : []
}

/** A count of refusals, or the sum of a flood, has `of` beside its `count`. Any other record is about one. */
function refusalsOf({ repeats, sum }: FoundEvent): number {
  for (const counted of [repeats, sum]) {
    if (counted === undefined) continue
    const { count } = objectOf(counted)
    if (typeof count === 'number' && count > 0) return Math.floor(count)
  }
  return 1
}
