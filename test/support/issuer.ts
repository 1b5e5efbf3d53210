import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Issuer } from '../../src/authenticate/issuer.ts'

// What tests need on every runtime.

/** The secret of every gate of the tests. */
export const PSEUDONYM_KEY = 'only for tests: no secret protects these people'

/** An identity provider of the tests. */
export interface TestIssuer {
  readonly issuer: string
  readonly audience: string
  readonly jwks: { keys: object[] }
  /** The entry of a gate that trusts this issuer. */
  readonly entry: (more?: Partial<Issuer>) => Issuer
  /** A token; `claims` win over the usual ones, and `undefined` takes one away. */
  readonly token: (subject: string, claims?: JWTPayload, header?: object) => Promise<string>
  /** The header of a request with such a token. */
  readonly bearer: (subject: string, claims?: JWTPayload) => Promise<{ authorization: string }>
}

export async function createIssuer(
  issuer = 'https://login.clinic.test/',
  audience = 'recordings',
  kid = 'test',
): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] }
  const token: TestIssuer['token'] = (subject, claims = {}, header = {}) => {
    const now = Math.floor(Date.now() / 1000)
    const payload = {
      iss: issuer,
      aud: audience,
      sub: subject,
      iat: now,
      exp: now + 600,
      jti: crypto.randomUUID(),
    }
    return new SignJWT({ ...payload, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt', ...header })
      .sign(privateKey)
  }
  return {
    issuer,
    audience,
    jwks,
    entry: (more = {}) => ({ issuer, audience, algorithms: ['ES256'], jwks: jwks as never, ...more }),
    token,
    bearer: async (subject, claims) => ({ authorization: `Bearer ${await token(subject, claims)}` }),
  }
}

/** The bytes that the HTTP vectors are made for: a wrong offset shows. */
export function patterned(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + 7) % 251)
}
