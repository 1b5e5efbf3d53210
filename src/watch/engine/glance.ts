import type { Merged, Numbered } from './rule.ts'

// What is read of a record without parsing it. Members are sorted, and no string in a record can look like a member. What has
// another form isn't found here.

// Without the quote that each of them begins with: there are so many that a search for one is half as fast.
const GATE = 'gate":{"isolate":"'
const KIND = 'kind":"'
const MERGED = 'merged":['
const RECORDED = 'recorded":"'
const SEQ = '","seq":'
const SEQS = '","seq":['
const ISOLATE = '{"isolate":"'
const QUOTE = 34
const COMMA = -4
/** Longest name of an isolate. */
const NAME = 64
const NOTHING: readonly Merged[] = []

/** What a record says of itself, at a glance. Most records are looked at for their number alone. */
export class Glance {
  readonly kind: string | undefined
  readonly #json: string
  /** Where the gate's member is; less than 0 if it isn't there. */
  readonly #gate: number

  constructor(json: string) {
    this.#json = json
    this.#gate = find(json, GATE, 0)
    this.kind = kindIn(json, Math.max(0, this.#gate))
  }

  /** When it was made, in milliseconds since 1970. */
  get recorded(): number | undefined {
    return recordedIn(this.#json, Math.max(0, this.#gate))
  }

  /** Returns the number that an isolate gave it, made at a time. */
  numbered(time: number): Numbered | undefined {
    return this.#gate < 0 ? undefined : numberedIn(this.#json, this.#gate + GATE.length, this.kind, time)
  }
}

/** Where a member is, from a place on; less than 0 if it isn't there. */
function find(json: string, member: string, from: number): number {
  let at = json.indexOf(member, from)
  while (at >= 0 && json.charCodeAt(at - 1) !== QUOTE) at = json.indexOf(member, at + 1)
  return at
}

function kindIn(json: string, from: number): string | undefined {
  let at = find(json, KIND, from)
  if (at < 0 && from > 0) at = find(json, KIND, 0)
  if (at < 0) return undefined
  const start = at + KIND.length
  return json.slice(start, json.indexOf('"', start))
}

function recordedIn(json: string, from: number): number | undefined {
  const at = find(json, RECORDED, from)
  if (at < 0) return undefined
  const start = at + RECORDED.length
  const time = Date.parse(json.slice(start, start + 24))
  return Number.isNaN(time) ? undefined : time
}

function numberedIn(
  json: string,
  name: number,
  kind: string | undefined,
  time: number,
): Numbered | undefined {
  const end = json.indexOf('"', name)
  if (end < 0 || end - name > NAME || !json.startsWith(SEQ, end)) return undefined
  let seq = 0
  for (let at = end + SEQ.length; at < json.length; at++) {
    const digit = json.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) break
    seq = 10 * seq + digit
  }
  if (!Number.isSafeInteger(seq) || seq < 1) return undefined
  const merged = kind === 'delivery' ? mergedIn(json, end) : NOTHING
  return { isolate: json.slice(name, end), seq, merged, time }
}

/** Reads what deliveries were put together of: `[{"isolate":"…","seq":[1,2]},…]`. */
function mergedIn(json: string, from: number): readonly Merged[] {
  const start = find(json, MERGED, from)
  if (start < 0) return NOTHING
  const merged: Merged[] = []
  let at = start + MERGED.length
  while (json.startsWith(ISOLATE, at)) {
    const name = at + ISOLATE.length
    const end = json.indexOf('"', name)
    if (end < 0 || end - name > NAME || !json.startsWith(SEQS, end)) return merged
    const seqs: number[] = []
    merged.push({ isolate: json.slice(name, end), seqs })
    let seq = 0
    for (at = end + SEQS.length; at < json.length; at++) {
      const digit = json.charCodeAt(at) - 48
      if (digit >= 0 && digit <= 9) seq = 10 * seq + digit
      else {
        if (Number.isSafeInteger(seq) && seq > 0) seqs.push(seq)
        seq = 0
        if (digit !== COMMA) break
      }
    }
    // After `]` of the numbers come `}` and the comma before the next isolate.
    at += 3
  }
  return merged
}
