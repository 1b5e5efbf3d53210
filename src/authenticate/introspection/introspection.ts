import type { Secret } from '../../base/secret.ts'

/** How the gate authenticates itself to an introspection endpoint (RFC 7591 2, `token_endpoint_auth_method`). */
export const CLIENT_METHODS = ['client_secret_basic', 'client_secret_post'] as const

/** One of {@link CLIENT_METHODS}. */
export type ClientMethod = (typeof CLIENT_METHODS)[number]

/** The endpoint of an issuer that says what an opaque token is (RFC 7662), and the gate's own client there. */
export interface Introspection {
  /**
   * The https URL of the endpoint (`http://` only with a loopback name). The issuer's metadata has it as
   * `introspection_endpoint` (RFC 8414 2).
   */
  readonly url: string
  /** The id of the gate's own client at the issuer, which needs no right but to introspect. */
  readonly client_id: string
  /**
   * The secret of that client. In `ISSUERS` it is `{"secret":"NAME"}`, and the variable `NAME` holds the secret; in code
   * it is the secret itself.
   */
  readonly client_secret: string | Secret
  /**
   * How the gate sends id and secret: `client_secret_basic` in the header `Authorization`, form-encoded as RFC 6749 2.3.1
   * says, or `client_secret_post` in the body.
   *
   * @defaultValue `client_secret_basic`
   */
  readonly method?: ClientMethod
}
