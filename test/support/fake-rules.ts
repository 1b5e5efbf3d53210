import { parseEvent, recordedAt } from '../../src/ledger/query/terms.ts'
import type { Detection, RuleEngine, WatchedRecord, WindowState } from '../../src/watch/detection.ts'
import type { Watching } from '../../src/watch/watching.ts'

/** A few rules that are easy to set off, with a window of each sort. */
class FakeEngine implements RuleEngine {
  readonly #canaries: () => ReadonlySet<string>
  /** How many bad signatures each network sent: a short window, which no storage has. */
  readonly #signatures = new Map<string, number>()

  constructor(canaries: () => ReadonlySet<string> = () => new Set()) {
    this.#canaries = canaries
  }

  needs(records: readonly WatchedRecord[]): readonly string[] {
    return [...new Set(records.flatMap(({ json }) => keyOf(parseEvent(json)) ?? []))]
  }

  observe(records: readonly WatchedRecord[], stored: ReadonlyMap<string, WindowState>) {
    const windows = new Map(stored)
    const changed = new Map<string, WindowState>()
    const detections = records.flatMap(record => {
      const event = parseEvent(record.json)
      if (event.kind === 'finding') throw new Error('a rule was shown a finding')
      if (event.reason === 'gate_fault') throw new Error('a rule failed')
      const key = keyOf(event)
      if (key !== undefined) {
        const time = recordedAt(event)
        const before = windows.get(key)?.members.slice(-9) ?? []
        const members = [...before, [`${event.recording}`, time] as const]
        const state = { key, members, expires: time + 24 * 3_600_000 }
        windows.set(key, state)
        changed.set(key, state)
      }
      return [
        ...this.#look(record, true),
        ...manyOf(record, key === undefined ? undefined : windows.get(key)),
      ]
    })
    return { detections, windows: [...changed.values()] }
  }

  replay(records: readonly WatchedRecord[]): void {
    for (const record of records) this.#look(record, false)
  }

  #look(record: WatchedRecord, isNew: boolean): readonly Detection[] {
    const { reason, net, kind, recording, subject } = parseEvent(record.json)
    if (reason === 'not_owner') {
      return isNew ? [detection(record, 'RG-001', 'high', { subject: `${subject}` })] : []
    }
    if (reason === 'token_signature') {
      const { prefix } = net as { readonly prefix: string }
      const count = (this.#signatures.get(prefix) ?? 0) + 1
      this.#signatures.set(prefix, count)
      return isNew && count >= 3 ? [detection(record, 'RG-007', 'high', { network: prefix })] : []
    }
    const isCanary = (kind === 'delivery' && recording === 'canary') || this.#canaries().has(`${recording}`)
    const group = { recording: `${recording}` }
    return isNew && isCanary ? [detection(record, 'RG-040', 'critical', group)] : []
  }
}

/** The long window: which unknown recordings a subject asked for. */
const keyOf = ({ reason, subject }: ReturnType<typeof parseEvent>): string | undefined =>
  reason === 'recording_unknown' ? `RG-016 ${subject}` : undefined

function manyOf(record: WatchedRecord, state: WindowState | undefined): readonly Detection[] {
  if (state === undefined || new Set(state.members.map(([member]) => member)).size < 3) return []
  return [detection(record, 'RG-016', 'medium', { subject: `${parseEvent(record.json).subject}` })]
}

function detection(
  { id, index, json }: WatchedRecord,
  rule: string,
  severity: Detection['severity'],
  group: Detection['group'],
): Detection {
  const event = parseEvent(json)
  const { tenant, subject, recording, release } = event as Readonly<Record<string, string | undefined>>
  return {
    ...{ rule, version: 1, severity, tenant: tenant ?? 'default', group, record: id, index },
    time: recordedAt(event),
    ...(subject !== undefined && { subject }),
    ...(recording !== undefined && { recording }),
    ...(release !== undefined && { release }),
  }
}

/** The fake rules. RG-040 may not be suppressed. */
export const FAKE_RULES: Watching = {
  engine: canaries => new FakeEngine(canaries),
  rule: id => ({ canSuppress: id !== 'RG-040', dryRun: id === 'RG-099', group: ['subject', 'session'] }),
}
