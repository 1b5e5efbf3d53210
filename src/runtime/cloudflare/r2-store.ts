import type { OpenedPart, RecordingStore, RequestedRange, StoredPart } from '../../deliver/recording-store.ts'
import { RESERVED_PREFIX } from '../../locate/location.ts'
import type { Binding } from '../../recording.ts'

/**
 * Recordings in an R2 bucket. Whose they are stands in each object's custom metadata: `mw-owner`, `mw-issuer`,
 * `mw-tenant`, `mw-consultation`.
 */
export function r2Store(bucket: R2Bucket): RecordingStore {
  return {
    async find(key) {
      const object = await bucket.head(key)
      return object && factsOf(object)
    },

    async open(key, range) {
      if (range === undefined) return opened(await bucket.get(key))
      try {
        return opened(await bucket.get(key, { range: r2Range(range) }))
      } catch (error) {
        // Production says (10039) of a range that can't be satisfied, the local simulator sometimes only that
        // something failed: the size tells in both cases.
        const object = await bucket.head(key)
        if (object === null) return null
        if ('suffix' in range ? range.suffix > 0 && object.size > 0 : range.offset < object.size) throw error
        return factsOf(object)
      }
    },

    async put(key, body, { size, contentType, binding, replaces }) {
      // R2 takes a stream only where its length is known; this is where the runtime learns it.
      const sized = new FixedLengthStream(size)
      const sent = body === null ? sized.writable.close() : body.pipeTo(sized.writable)
      const put = bucket.put(key, sized.readable, {
        httpMetadata: { contentType },
        customMetadata: metadataOf(binding),
        onlyIf: replaces === null ? { etagDoesNotMatch: '*' } : { etagMatches: unquoted(replaces) },
      })
      const [, object] = await Promise.all([sent.catch(ignoreIfRefused(put)), put])
      return object && factsOf(object)
    },

    async claim(recording, binding, places) {
      const key = `${RESERVED_PREFIX}bindings/${recording}`
      // Read first: R2 takes one write a second to a key, and a recording of many parts claims for each of them.
      const held = await bucket.head(key)
      if (held !== null) return bindingOf(held.customMetadata)
      const claimed = await bucket.put(key, '', {
        customMetadata: metadataOf((await stampedIn(bucket, places)) ?? binding),
        onlyIf: { etagDoesNotMatch: '*' },
      })
      const inForce = claimed ?? (await bucket.head(key))
      if (inForce === null) throw new Error('the binding vanished while it was read')
      return bindingOf(inForce.customMetadata)
    },
  }
}

/** The binding of a recording that was stored by other means than ours: that of any object of it. */
async function stampedIn(bucket: R2Bucket, places: readonly string[]): Promise<Binding | undefined> {
  for (const prefix of places) {
    // A key sorts before all that only begin with it.
    const { objects } = await bucket.list({ prefix, limit: 1, include: ['customMetadata'] })
    const [object] = objects
    if (object !== undefined && (prefix.endsWith('/') || object.key === prefix))
      return bindingOf(object.customMetadata)
  }
  return undefined
}

function factsOf(object: R2Object): StoredPart {
  const contentType = object.httpMetadata?.contentType
  return {
    size: object.size,
    etag: object.httpEtag,
    // Last-Modified has seconds; what is compared with it must not have more.
    modified: Math.floor(object.uploaded.getTime() / 1000) * 1000,
    ...(contentType !== undefined && { contentType }),
    binding: bindingOf(object.customMetadata),
  }
}

function opened(object: R2ObjectBody | null): OpenedPart | null {
  return object && { ...factsOf(object), body: object.body, range: servedRange(object) }
}

/** R2 always says which range it serves, in one of several shapes, some with members that are undefined. */
function servedRange({ range, size }: R2ObjectBody): { offset: number; length: number } {
  const { offset, length, suffix } = (range ?? {}) as { offset?: number; length?: number; suffix?: number }
  if (typeof suffix === 'number')
    return { offset: Math.max(0, size - suffix), length: Math.min(suffix, size) }
  const start = offset ?? 0
  return { offset: start, length: Math.min(length ?? size, size - start) }
}

function r2Range(range: RequestedRange): R2Range {
  return 'suffix' in range ? { suffix: range.suffix } : { ...range }
}

const unquoted = (etag: string): string => etag.replace(/^"|"$/g, '')

/** An empty text is no owner: it is left out, so that it can't equal another empty text. */
function bindingOf(metadata: Readonly<Record<string, string>> | undefined): Binding {
  const owner = metadata?.['mw-owner']
  const issuer = metadata?.['mw-issuer']
  const tenant = metadata?.['mw-tenant']
  const consultation = metadata?.['mw-consultation']
  return {
    ...(owner && { owner }),
    ...(issuer && { issuer }),
    ...(tenant && { tenant }),
    ...(consultation && { consultation }),
  }
}

function metadataOf({ owner, issuer, tenant, consultation }: Binding): Record<string, string> {
  return {
    ...(owner !== undefined && { 'mw-owner': owner }),
    ...(issuer !== undefined && { 'mw-issuer': issuer }),
    ...(tenant !== undefined && { 'mw-tenant': tenant }),
    ...(consultation !== undefined && { 'mw-consultation': consultation }),
  }
}

/** Where R2 refused the put, it stops reading: what that does to the pipe is not another failure. */
function ignoreIfRefused(put: Promise<R2Object | null>): (error: unknown) => Promise<void> {
  return async error => {
    if ((await put) !== null) throw error
  }
}
