import { type Reason, stageOf } from './reason.ts'

/** A position in a playlist. Names that are not on the gate's own lists are `other`, as a stored file may contain any. */
export interface PlaylistPosition {
  /** Counted from 1. */
  readonly line: number
  /** The HLS tag or the MPD's element; absent for a line that is a URI. */
  readonly tag?: string
  readonly attribute?: string
}

/**
 * A request that goes no further, and why: the one way to fail inside the gate. A stage returns it in place of its value;
 * only faults are thrown.
 */
export class Refusal {
  readonly reason: Reason
  /**
   * What is wrong and how to fix it. Sent only to a recorder whose upload can't be stored, to an app whose question
   * can't be understood, to an analyst whose query can't be or whose examination must wait, and to a caller whose path
   * can't be a recording's. It repeats nothing of a body, and never goes on record.
   */
  readonly detail: string | undefined
  /** The position in a playlist of what is refused. Goes on record. */
  readonly position: PlaylistPosition | undefined

  constructor(reason: Reason, detail?: string, position?: PlaylistPosition) {
    this.reason = reason
    this.detail = detail
    this.position = position
  }
}

/** How a refusal looks from outside. Everything here follows from the reason, and from what its caller knows. */
export interface RefusalAnswer {
  readonly status: number
  readonly title: string
  readonly headers: Readonly<Record<string, string>>
}

/** What an answer depends on beside the reason. */
export interface AnswerTerms {
  /** The one status for "not yours" and "not there": 404, or 403 if a deployment prefers it. */
  readonly concealedStatus: 403 | 404
  /** The methods that the route has, for a 405. Default: none. */
  readonly allow?: string
  /** Whether the refusal says what is wrong. That of a playlist does so only to its recorder. Default: false. */
  readonly hasDetail?: boolean
  /** The algorithms that DPoP proofs may be signed with, with spaces between them. Undefined if the gate takes no proofs. */
  readonly proofAlgorithms?: string | undefined
  /** Whether the request tried the scheme `DPoP`. Default: false. */
  readonly usesDpop?: boolean
}

/**
 * Returns what the client sees of a refusal. "Not yours", "not there" and "not for your role" are one answer, byte for
 * byte, so that it never reveals whether a recording exists.
 */
export function answerTo(reason: Reason, terms: AnswerTerms): RefusalAnswer {
  const { concealedStatus, allow = '', hasDetail = false } = terms
  switch (stageOf(reason)) {
    case 'locate':
      return reason === 'path_invalid' ? answer(400) : answer(405, { Allow: allow })
    case 'credential':
    case 'token':
    case 'ticket':
      // RFC 6750 3.1: no error code if no token was tried, and nothing finer than invalid_token if one was.
      return unauthorized(reason === 'token_missing' ? undefined : 'invalid_token', terms)
    case 'proof':
      return unauthorized('invalid_dpop_proof', terms)
    case 'policy':
      // Only a recorder can meet a conflict, and learns no more by it than by an upload that succeeds.
      return answer(reason === 'binding_conflict' ? 409 : concealedStatus)
    case 'lockdown':
      // Only a caller that would be permitted gets here.
      return answer(403)
    case 'playlist':
      // Only a caller that may watch the recording gets here, so it doesn't reveal that there is one.
      return answer(hasDetail ? 400 : 403)
    case 'encoding':
      // Only a caller that may watch or store the recording gets here. No Retry-After: it stays so until stored again.
      // RFC 9110 15.5.16: Accept-Encoding says which content codings are taken.
      return answer(415, { 'Accept-Encoding': 'identity' })
    case 'upload':
      return answer(reason === 'upload_conflict' ? 409 : 400)
    case 'body':
      // RFC 9110 15.5.9: a client that was too slow must not send another request on this connection.
      return reason === 'length_required' ? answer(411) : answer(408, { Connection: 'close' })
    case 'logout':
    case 'question':
    case 'query':
      return answer(400)
    case 'fault':
      return answer(503, { 'Retry-After': '5' })
  }
}

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  411: 'Length Required',
  415: 'Unsupported Media Type',
  503: 'Service Unavailable',
} as const

function answer(status: keyof typeof TITLES, headers: RefusalAnswer['headers'] = {}): RefusalAnswer {
  return { status, title: TITLES[status], headers }
}

/** Challenges by each scheme that the gate accepts. That of the scheme which was tried has the error (RFC 9449 7.2). */
function unauthorized(
  code: string | undefined,
  { proofAlgorithms, usesDpop = false }: AnswerTerms,
): RefusalAnswer {
  const error = code === undefined ? '' : `, error="${code}"`
  const bearer = `Bearer realm="mediaward"${usesDpop ? '' : error}`
  const dpop = proofAlgorithms === undefined ? '' : `, DPoP algs="${proofAlgorithms}"${usesDpop ? error : ''}`
  return answer(401, { 'WWW-Authenticate': bearer + dpop })
}

/** Thrown if a part of the gate fails under a request. The request is then refused with this reason. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly reason: Reason

  constructor(reason: Reason, cause?: unknown) {
    super(reason, { cause })
    this.reason = reason
  }

  /** For `promise.catch(Fault.as(reason))`. */
  static as(reason: Reason): (cause: unknown) => never {
    return cause => {
      throw new Fault(reason, cause)
    }
  }
}
