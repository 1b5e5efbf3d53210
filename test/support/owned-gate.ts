import {
  agreeing,
  type MediawardOptions,
  type ObjectRef,
  type Ownership,
  stampedOwners,
} from '../../src/index.ts'
import type { TestIssuer } from './issuer.ts'
import { type MemoryGate, memoryGate } from './memory-gate.ts'
import { watchedStore } from './watched-store.ts'

/** The answer of an owner source, for each recording. A function is called, and may fail. */
export type Known = Record<string, Ownership | null | (() => unknown)>

/** A gate that asks a function who owns a recording. */
export interface OwnedGate extends MemoryGate {
  /** What the function answers. It knows no owner of other recordings. */
  readonly known: Known
  /** Which recordings the function was asked about, and which methods of the store were called, in their order. */
  readonly calls: string[]
  /** Asks which of some recordings a patient may play. */
  readonly list: (who: string, ...recordings: string[]) => Promise<Response>
}

const PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n'
const STORED: readonly (readonly [string, string, string])[] = [
  ['recordings/set/list.m3u8', 'application/vnd.apple.mpegurl', PLAYLIST],
  ['recordings/set/a.ts', 'video/mp2t', 'a segment'],
]

/** A gate with the recordings `rec-1` and `set`, both stamped with `patient-1`. Of `set` there are `list.m3u8` and `a.ts`. */
export async function ownedGate(
  known: Known,
  { agrees = false, ...options }: Partial<MediawardOptions> & { agrees?: boolean } = {},
  provider?: TestIssuer,
): Promise<OwnedGate> {
  const calls: string[] = []
  const store = options.store ?? watchedStore(calls)
  const lookup = async ({ recording }: ObjectRef) => {
    calls.push(`owner of ${recording}`)
    const answer = known[recording] ?? null
    return (typeof answer === 'function' ? answer() : answer) as Ownership | null
  }
  const owner = agrees ? agreeing(stampedOwners, lookup) : lookup
  const tickets = { keys: ['only for tests: no secret protects these tickets'] }
  const gate = await memoryGate({ owner, store, tickets, ...options }, provider)
  for (const [key, contentType, content] of STORED) {
    const ownership = { owner: 'patient-1', issuer: gate.idp.issuer }
    const facts = { size: content.length, contentType, ownership, replaces: null }
    await store.put(key, new Blob([content]).stream(), facts)
  }
  calls.length = 0
  return {
    ...gate,
    known,
    calls,
    list: (who, ...recordings) =>
      gate.ask(who, '/access/v1/evaluations', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          subject: { type: 'user', id: who },
          action: { name: 'play' },
          evaluations: recordings.map(id => ({ resource: { type: 'recording', id } })),
        }),
      }),
  }
}
