import type { Numbered } from './rule.ts'

const GATE = '"gate":{"isolate":"'
const SEQ = '","seq":'
const MERGED = '"merged":['
const ISOLATE = '{"isolate":"'
const SEQS = '","seq":['
const COMMA = -4
const NOTHING: Numbered['merged'] = []

/**
 * Reads the number that an isolate gave a record, without parsing the record: most records are read for it alone.
 *
 * @param kind of the record; only deliveries are put together
 */
export function numberedOf(json: string, time: number, kind: string | undefined): Numbered | undefined {
  const start = json.indexOf(GATE)
  if (start < 0) return undefined
  const name = start + GATE.length
  const end = json.indexOf('"', name)
  if (end < 0 || end - name > 64 || !json.startsWith(SEQ, end)) return undefined
  const seq = Number.parseInt(json.slice(end + SEQ.length, end + SEQ.length + 16), 10)
  if (!Number.isSafeInteger(seq) || seq < 1) return undefined
  return {
    isolate: json.slice(name, end),
    seq,
    merged: kind === 'delivery' ? mergedOf(json, end) : NOTHING,
    time,
  }
}

/** Reads what deliveries were put together of: `[{"isolate":"…","seq":[1,2]},…]`, in this form or not at all. */
function mergedOf(json: string, from: number): Numbered['merged'] {
  // Members are sorted: it comes after the gate.
  const start = json.indexOf(MERGED, from)
  if (start < 0) return NOTHING
  const merged: Pick<Numbered, 'isolate' | 'seq'>[] = []
  let at = start + MERGED.length
  while (json.startsWith(ISOLATE, at)) {
    const name = at + ISOLATE.length
    const end = json.indexOf('"', name)
    if (end < 0 || end - name > 64 || !json.startsWith(SEQS, end)) return merged
    const isolate = json.slice(name, end)
    let seq = 0
    for (at = end + SEQS.length; at < json.length; at++) {
      const digit = json.charCodeAt(at) - 48
      if (digit >= 0 && digit <= 9) seq = 10 * seq + digit
      else {
        if (Number.isSafeInteger(seq) && seq > 0) merged.push({ isolate, seq })
        seq = 0
        if (digit !== COMMA) break
      }
    }
    // After `]` of the numbers come `}` and the comma before the next isolate.
    at += 3
  }
  return merged
}

/** Reads when a record was made, as far as it says so in the form in which it is stored; undefined otherwise. */
export function recordedIn(json: string): number | undefined {
  const at = json.indexOf('"recorded":"')
  if (at < 0) return undefined
  const time = Date.parse(json.slice(at + 12, at + 36))
  return Number.isNaN(time) ? undefined : time
}
