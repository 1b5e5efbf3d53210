import { parseRange } from '../http/byte-range.ts'
import type { Reason } from '../reason.ts'
import type { PlaylistPosition } from '../refusal.ts'
import type { AccessFacts } from './event.ts'

const METHODS = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'])
const RANGE = /^bytes=\d{0,15}-\d{0,15}$/i

/** Returns what the record of a refusal says beyond who asked and for what. */
export function denialOf(
  request: Request,
  reason: Reason,
  status: number,
  playlist?: PlaylistPosition,
): AccessFacts {
  const range = request.headers.get('range') ?? ''
  return {
    kind: 'access',
    decision: 'deny',
    reason,
    status,
    method: METHODS.has(request.method) ? request.method : 'other',
    ...(RANGE.test(range) && parseRange(range) !== undefined && { range }),
    ...(playlist !== undefined && { playlist }),
  }
}
