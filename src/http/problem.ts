import type { RefusalAnswer } from '../refusal.ts'
import { responseHeaders } from './response-headers.ts'

/**
 * The answer to a refused request: problem details (RFC 9457). It is made from what follows from the reason and from
 * what the caller sent, never from a recording, so nothing of one can be in it. The id is what a patient can quote and the
 * security team can find.
 */
export function problemResponse(
  { status, title, headers }: RefusalAnswer,
  id: string,
  method: string,
  crossOrigin: Record<string, string>,
  detail?: string,
): Response {
  const problem = JSON.stringify({
    title,
    status,
    instance: `urn:uuid:${id}`,
    ...(detail !== undefined && { detail }),
  })
  return new Response(method === 'HEAD' ? null : problem, {
    status,
    headers: responseHeaders(headers, crossOrigin, {
      'Content-Type': 'application/problem+json',
      // A program that saves what it gets would else name it after the URL, and a ticket can be the end of that.
      'Content-Disposition': 'inline; filename="refusal.json"',
      'Content-Length': String(new TextEncoder().encode(problem).length),
    }),
  })
}
