import type { RefusalAnswer } from '../refusal.ts'
import { responseHeaders } from './response-headers.ts'

/** What the answer to a refused request is made of. */
export interface Problem extends RefusalAnswer {
  /** Id of the event: a patient can quote it, and the security team can find it. */
  readonly id: string
  /** What is wrong and how to fix it. */
  readonly detail?: string | undefined
  /** Seconds after which it makes sense to ask again. */
  readonly retryAfter?: number | undefined
  /** The method of the request: the answer to HEAD has no body. */
  readonly method: string
}

/**
 * Creates the answer to a refused request: problem details (RFC 9457). It follows from the reason and from what the
 * caller sent, never from a recording, so nothing of a recording can be in it.
 */
export function problemResponse({
  status,
  title,
  headers,
  id,
  detail,
  retryAfter,
  method,
}: Problem): Response {
  // JSON has no undefined: without a detail the member is left out.
  const problem = JSON.stringify({ title, status, instance: `urn:uuid:${id}`, detail })
  return new Response(method === 'HEAD' ? null : problem, {
    status,
    headers: responseHeaders(headers, {
      'Content-Type': 'application/problem+json',
      // A program that saves what it gets would else name it after the URL, and a ticket can be the end of that.
      'Content-Disposition': 'inline; filename="refusal.json"',
      'Content-Length': String(new TextEncoder().encode(problem).length),
      ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
    }),
  })
}
