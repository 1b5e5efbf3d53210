import { type ByteRange, type RangeSpec, selectRange } from '../http/byte-range.ts'
import { contentDisposition } from '../http/file-name.ts'
import { deliveryOf } from '../http/media-type.ts'
import { failedPrecondition, rangeHolds } from '../http/preconditions.ts'
import { emptyResponse, representationHeaders, responseHeaders } from '../http/response-headers.ts'
import type { ObjectRef } from '../recordings/recording.ts'
import type { OpenedPart, StoredPart } from '../recordings/recording-store.ts'

/** What a permitted request gets: a status, and which bytes. */
export type Plan =
  | { readonly status: 200 }
  | { readonly status: 206; readonly range: ByteRange }
  | { readonly status: 304 | 412 | 416 }

/**
 * Decides the answer to a permitted request from its headers and the object's facts (RFC 9110 13.2.2): preconditions
 * first, then If-Range, then Range. HEAD knows no ranges (14.2).
 *
 * @param specs the ranges of its Range header, if that is well formed
 */
export function plan(
  request: Request,
  specs: readonly RangeSpec[] | undefined,
  part: StoredPart,
  now: number,
): Plan {
  const failed = failedPrecondition(request.method, request.headers, part, now)
  if (failed !== undefined) return { status: failed }
  if (request.method !== 'GET' || specs === undefined) return { status: 200 }
  if (!rangeHolds(request.headers.get('if-range'), part, now)) return { status: 200 }
  const range = selectRange(specs, part.size)
  if (range === 'whole') return { status: 200 }
  return range === 'unsatisfiable' ? { status: 416 } : { status: 206, range }
}

/** Returns the bytes that a plan needs of an object of `size` bytes; undefined if it needs none. */
export function bytesOf(plan: Plan, size: number): ByteRange | undefined {
  if (plan.status === 206) return plan.range
  return plan.status === 200 && size > 0 ? { offset: 0, length: size } : undefined
}

/** Whether an opened object holds exactly these bytes. */
export function holds(part: StoredPart | OpenedPart, bytes: ByteRange): part is OpenedPart {
  return 'body' in part && part.range.offset === bytes.offset && part.range.length === bytes.length
}

/**
 * Answers a permitted request. The body is handed on as it is: the store knows its length, and no byte of it passes
 * through JavaScript.
 *
 * @param body exactly the bytes of the plan; null for HEAD, for an empty object and for a status without content
 */
export function deliver(
  plan: Plan,
  part: StoredPart,
  ref: ObjectRef,
  body: ReadableStream<Uint8Array> | null,
): Response {
  const { status } = plan
  const representation = representationHeaders(part)
  if (status === 304) return emptyResponse(status, representation)
  if (status === 412) return emptyResponse(status)
  if (status === 416) {
    return emptyResponse(status, { 'Content-Range': `bytes */${part.size}`, 'Accept-Ranges': 'bytes' })
  }
  const length = plan.status === 206 ? plan.range.length : part.size
  const delivery = deliveryOf(part.contentType, ref.part ?? ref.key)
  const headers = responseHeaders(representation, delivery.headers, {
    'Content-Disposition': contentDisposition(ref, part.disposition, delivery),
    'Content-Length': String(length),
    ...(plan.status === 206 && { 'Content-Range': contentRange(plan.range, part.size) }),
  })
  return new Response(body, { status, headers })
}

function contentRange({ offset, length }: ByteRange, size: number): string {
  return `bytes ${offset}-${offset + length - 1}/${size}`
}
