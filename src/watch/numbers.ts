import type { FoundEvent } from '../ledger/query/terms.ts'
import type { Numbered } from './rule.ts'
import { objectOf, stringOf } from './watched-event.ts'

const GATE = '"gate":{"isolate":"'
const SEQ = '","seq":'
const MERGED = '"merged":['

/** A record of sums has at most this many. */
const MOST = 100_000

/** Reads the number that an isolate gave a record, without parsing the record: most records are read for it alone. */
export function numberedOf(json: string, time: number): Numbered | undefined {
  const start = json.indexOf(GATE)
  if (start < 0) return undefined
  const name = start + GATE.length
  const end = json.indexOf('"', name)
  if (end < 0 || end - name > 64 || !json.startsWith(SEQ, end)) return undefined
  const seq = Number.parseInt(json.slice(end + SEQ.length, end + SEQ.length + 16), 10)
  if (!Number.isSafeInteger(seq) || seq < 1) return undefined
  return { isolate: json.slice(name, end), seq, merged: mergedOf(json), time }
}

/** Of deliveries that the log has put together: the numbers of all of them. */
function mergedOf(json: string): Numbered['merged'] {
  const start = json.indexOf(MERGED)
  const end = start < 0 ? -1 : json.indexOf(']}]', start)
  if (end < 0) return []
  try {
    const list: unknown = JSON.parse(json.slice(start + MERGED.length - 1, end + 3))
    return Array.isArray(list) ? list.flatMap((one: unknown) => sumsOf(objectOf(one))) : []
  } catch {
    return []
  }
}

function sumsOf({ isolate, seq }: FoundEvent): Numbered['merged'] {
  const name = stringOf(isolate)
  if (name === undefined || !Array.isArray(seq)) return []
  return [{ isolate: name, seq: seq.filter(isNumber).slice(0, MOST) }]
}

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0

/** Reads when a record was made, as far as it says so in the form in which it is stored; undefined otherwise. */
export function recordedIn(json: string): number | undefined {
  const at = json.indexOf('"recorded":"')
  if (at < 0) return undefined
  const time = Date.parse(json.slice(at + 12, at + 36))
  return Number.isNaN(time) ? undefined : time
}
