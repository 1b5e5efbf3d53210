import { createGate, type MediawardOptions } from '../../src/index.ts'
import { createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY, patterned, type TestIssuer } from './gate-client.ts'

/** A gate in this process, with memory for store and ledger. */
export interface MemoryGate {
  readonly idp: TestIssuer
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
  readonly ledger: MediawardOptions['ledger']
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly flush: () => Promise<void>
}

/** A gate with one recording, `rec-1` of `patient-1`. */
export async function memoryGate(
  options: Partial<MediawardOptions> = {},
  provider?: TestIssuer,
): Promise<MemoryGate> {
  const idp = provider ?? (await createIssuer())
  const store = options.store ?? createMemoryStore()
  const ledger = options.ledger ?? createMemoryLedger()
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
    ...options,
    ledger,
    store,
  })
  return {
    idp,
    ledger,
    bytes,
    flush: gate.flush,
    fetch: (path, init) => gate.fetch(new Request(`https://gate.test${path}`, init), () => {}),
  }
}
