import { servedRange } from '../../deliver/byte-range.ts'
import type { RecordingStore, StoredPart } from '../../deliver/recording-store.ts'
import type { Binding } from '../../recording.ts'

interface Held extends StoredPart {
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Recordings in memory: for trying out and for tests. Gone when the process is. */
export function memoryStore(now: () => number = Date.now): RecordingStore {
  const parts = new Map<string, Held>()
  const bindings = new Map<string, Binding>()
  return {
    async find(key) {
      const held = parts.get(key)
      return held === undefined ? null : factsOf(held)
    },

    async open(key, range) {
      const held = parts.get(key)
      if (held === undefined) return null
      const served = servedRange(range, held.size)
      if (served === undefined) return factsOf(held)
      const bytes = held.bytes.subarray(served.offset, served.offset + served.length)
      return { ...factsOf(held), range: served, body: new Blob([bytes]).stream() }
    },

    async put(key, body, { size, contentType, binding, replaces }) {
      const bytes = new Uint8Array(await new Response(body).arrayBuffer())
      if (bytes.length !== size) throw new Error(`${bytes.length} bytes came, ${size} were announced`)
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes), 0, 16)
      const etag = `"${Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')}"`
      // From here on nothing is awaited, so nobody comes between the check and the change.
      if ((parts.get(key)?.etag ?? null) !== replaces) return null
      const held = { bytes, size, etag, contentType, binding, modified: Math.floor(now() / 1000) * 1000 }
      parts.set(key, held)
      return factsOf(held)
    },

    async stamped(places) {
      return stampedAt(parts, places)
    },

    async claim(recording, binding, places) {
      const inForce = bindings.get(recording) ?? stampedAt(parts, places)[0] ?? binding
      bindings.set(recording, inForce)
      return inForce
    },
  }
}

function stampedAt(parts: ReadonlyMap<string, Held>, places: readonly string[]): readonly Binding[] {
  const keys = [...parts.keys()].sort()
  return places.flatMap(place => {
    const key = keys.find(key =>
      place.endsWith('/') ? key.startsWith(place) && key !== place : key === place,
    )
    const held = key === undefined ? undefined : parts.get(key)
    return held === undefined ? [] : [held.binding]
  })
}

function factsOf({ bytes: _, ...facts }: Held): StoredPart {
  return facts
}
