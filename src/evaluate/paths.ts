/** The path of a single question (AuthZEN Authorization API 1.0, 10.1). */
export const EVALUATION = '/access/v1/evaluation'
/** The path of several questions in one call. */
export const EVALUATIONS = '/access/v1/evaluations'
/** The path of the metadata that names both (9.2). */
export const CONFIGURATION = '/.well-known/authzen-configuration'

// What names are made of, and nothing that a log viewer or a page could take for more than a name.
const REQUEST_ID = /^[A-Za-z0-9._~:/+=-]{1,128}$/

/** Copies the client's `X-Request-ID` to the response, whatever its status (10.1.3). */
export function withRequestId({ headers }: Request, response: Response): Response {
  const id = headers.get('x-request-id') ?? ''
  if (REQUEST_ID.test(id)) response.headers.set('X-Request-ID', id)
  return response
}

/** Returns the metadata of the gate (9.1). @param origin of the gate, as clients know it */
export function configuration(origin: string): object {
  return {
    policy_decision_point: origin,
    access_evaluation_endpoint: origin + EVALUATION,
    access_evaluations_endpoint: origin + EVALUATIONS,
  }
}
