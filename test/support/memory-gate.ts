import type { JWTPayload } from 'jose'
import { expect } from 'vitest'
import { createGate, type Ledger, type MediawardOptions } from '../../src/index.ts'
import type { EventKind, LedgerEvent } from '../../src/ledger/event.ts'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY, patterned, type TestIssuer } from './gate-client.ts'
import { recordErrors } from './record-schema.ts'

/** A gate in this process, with memory for store and ledger. */
export interface MemoryGate {
  readonly idp: TestIssuer
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
  /** Sends a request with a token of this subject. */
  readonly ask: (who: string, path: string, init?: Asking) => Promise<Response>
  readonly ledger: MediawardOptions['ledger']
  readonly control: MediawardOptions['control']
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly flush: () => Promise<void>
  readonly endStreams: () => void
  /** All records of a kind, or of all kinds but `heartbeat`, oldest first. */
  readonly events: <Kind extends EventKind>(kind?: Kind) => Promise<Recorded<Kind>[]>
}

/** A record of a kind. A member that only other kinds have is unknown. */
type Recorded<Kind> = Extract<LedgerEvent & Record<string, unknown>, { kind: Kind }>

/** A request, and the claims of its token beside the subject. */
export interface Asking extends RequestInit {
  readonly headers?: Record<string, string>
  readonly claims?: JWTPayload
}

/** A gate with one recording, `rec-1` of `patient-1`. */
export async function memoryGate(
  options: Partial<MediawardOptions> = {},
  provider?: TestIssuer,
): Promise<MemoryGate> {
  const idp = provider ?? (await createIssuer())
  const store = options.store ?? createMemoryStore()
  const ledger = options.ledger ?? createMemoryLedger()
  const control = options.control ?? createMemoryControl(options.now)
  const bytes = patterned(3000)
  const ownership = { owner: 'patient-1', issuer: idp.issuer }
  await store.put('recordings/rec-1', new Blob([bytes]).stream(), {
    size: bytes.length,
    contentType: 'video/mp4',
    ownership,
    replaces: null,
  })
  const gate = createGate({
    issuers: [idp.entry()],
    pseudonymKey: PSEUDONYM_KEY,
    publicUrl: 'https://gate.test',
    control,
    ...options,
    ledger: withSchema(ledger),
    store,
  })
  const fetch: MemoryGate['fetch'] = (path, init) =>
    gate.fetch(new Request(`https://gate.test${path}`, init), () => {})
  return {
    idp,
    ledger,
    control,
    bytes,
    flush: gate.flush,
    endStreams: gate.endStreams,
    fetch,
    ask: async (who, path, { claims, headers, ...init } = {}) =>
      fetch(path, { ...init, headers: { ...(await idp.bearer(who, claims)), ...headers } }),
    events: async kind => {
      const { entries } = await ledger.read({ limit: 100_000, ...(kind !== undefined && { kind }) })
      const events = entries.map(({ json }) => JSON.parse(json))
      return kind === undefined ? events.filter(event => event.kind !== 'heartbeat') : events
    },
  }
}

/** Fails the run in which the gate writes a record which the published schema does not describe. */
function withSchema(ledger: Ledger): Ledger {
  return {
    ...(ledger.spool !== undefined && { spool: ledger.spool }),
    ...(ledger.lag !== undefined && { lag: ledger.lag }),
    ...(ledger.archiveLag !== undefined && { archiveLag: ledger.archiveLag }),
    read: query => ledger.read(query),
    count: query => ledger.count(query),
    held: query => ledger.held(query),
    waitAfter: (cursor, milliseconds) => ledger.waitAfter(cursor, milliseconds),
    append: entries => {
      for (const { json } of entries) {
        const errors = recordErrors(json)
        // Thrown past the gate, which would answer 503. Tests that run at once can't fail softly.
        if (errors.length > 0) setTimeout(() => expect(errors, json).toEqual([]))
      }
      return ledger.append(entries)
    },
  }
}
