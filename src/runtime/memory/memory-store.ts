import { servedRange } from '../../http/byte-range.ts'
import { bindingToClaim, ownedOnly } from '../../recordings/claim.ts'
import { type Binding, hasOwner } from '../../recordings/recording.ts'
import {
  BytesUnavailable,
  type PutOptions,
  type RecordingStore,
  type StoredPart,
} from '../../recordings/recording-store.ts'
import { bytesOf, sha256Of } from './memory-bytes.ts'
import { createMemoryUploads } from './memory-uploads.ts'

interface Held extends StoredPart {
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Recordings in memory: for trying out and for tests. Gone when the process is. */
export function createMemoryStore(now: () => number = Date.now): RecordingStore {
  const parts = new Map<string, Held>()
  const bindings = new Map<string, Binding>()
  const uploads = createMemoryUploads()

  /** Nothing is awaited here, so nobody comes between the check and the change. */
  function hold(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    etag: string,
    { contentType, binding, replaces }: Pick<PutOptions, 'contentType' | 'binding' | 'replaces'>,
  ): StoredPart | null {
    if ((parts.get(key)?.etag ?? null) !== replaces) return null
    const modified = Math.floor(now() / 1000) * 1000
    const held = { bytes, size: bytes.length, etag, contentType, binding, modified }
    parts.set(key, held)
    return factsOf(held)
  }

  return {
    async find(key) {
      const held = parts.get(key)
      return held === undefined ? null : factsOf(held)
    },

    async open(key, range) {
      const held = parts.get(key)
      if (held === undefined) return null
      const served = servedRange(range, held.size)
      if (served === undefined) throw new BytesUnavailable()
      const bytes = held.bytes.subarray(served.offset, served.offset + served.length)
      return { ...factsOf(held), range: served, body: new Blob([bytes]).stream() }
    },

    async put(key, body, options) {
      const bytes = await bytesOf(body, options)
      return hold(key, bytes, await tagOf(bytes), options)
    },

    async begin(key, options) {
      return uploads.begin(key, options)
    },

    putPiece: (key, upload, body, options) => uploads.putPiece(key, upload, body, options),

    async complete(key, upload, options) {
      const { bytes } = uploads.whole(key, upload, options)
      const etag = await tagOf(bytes)
      // Looked at once more, as a piece may have come again in the meantime.
      const whole = uploads.whole(key, upload, options)
      const stored = hold(key, bytes, etag, { ...whole, replaces: options.replaces })
      if (stored !== null) uploads.abandon(key, upload)
      return stored
    },

    async abandon(key, upload) {
      uploads.abandon(key, upload)
    },

    async stamped(keyPrefixes) {
      return stampedAt(parts, keyPrefixes)
    },

    async claimed(recording) {
      return bindings.get(recording) ?? null
    },

    async claim(recording, binding, keyPrefixes, defaultIssuer) {
      const held = ownedOnly(bindings.get(recording), defaultIssuer)
      if (held !== null) return held
      const first = bindingToClaim(stampedAt(parts, keyPrefixes), binding, defaultIssuer)
      if (hasOwner(first, defaultIssuer)) bindings.set(recording, first)
      return first
    },
  }
}

function stampedAt(parts: ReadonlyMap<string, Held>, keyPrefixes: readonly string[]): readonly Binding[] {
  const keys = [...parts.keys()].sort()
  return keyPrefixes.flatMap(ref => {
    const key = keys.find(key => (ref.endsWith('/') ? key.startsWith(ref) && key !== ref : key === ref))
    const held = key === undefined ? undefined : parts.get(key)
    return held === undefined ? [] : [held.binding]
  })
}

function factsOf({ bytes: _, ...facts }: Held): StoredPart {
  return facts
}

async function tagOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return `"${(await sha256Of(bytes)).slice(0, 32)}"`
}
