import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** What a proof says. What is `undefined` is left out. */
export interface Said {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
}

/** The request that a proof is made for. */
export interface Proved {
  readonly method?: string
  readonly url: string
  readonly token: string
  /** When it is made, in seconds since 1970. Default: now. */
  readonly at?: number
}

/** A client with a key of its own, which makes DPoP proofs, right ones and wrong ones. */
export interface Prover {
  readonly jwk: JWK
  /** The private key, which no proof may hold. */
  readonly secret: JWK
  /** What a token that is bound to its key says. */
  readonly cnf: { readonly jkt: string }
  /** Makes a proof; `said` wins over what is right. */
  readonly proof: (request: Proved, said?: Said) => Promise<string>
  /** The headers of a request with such a proof. */
  readonly headers: (request: Proved, said?: Said) => Promise<{ authorization: string; dpop: string }>
}

type Sign = (header: object, claims: object) => Promise<string>

export async function createProver(alg = 'ES256'): Promise<Prover> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const [jwk, secret] = [await exportJWK(publicKey), await exportJWK(privateKey)]
  return proverOf(alg, { jwk, secret }, (header, claims) =>
    new SignJWT({ ...claims }).setProtectedHeader(header as never).sign(privateKey),
  )
}

/** A client with an RSA key of so many bits. jose signs with no weak one. */
export async function createRsaProver(modulusLength: number): Promise<Prover> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const options = { ...algorithm, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) }
  const { privateKey, publicKey } = await crypto.subtle.generateKey(options, true, ['sign', 'verify'])
  const [jwk, secret] = [await exportJWK(publicKey), await exportJWK(privateKey)]
  return proverOf('RS256', { jwk, secret }, async (header, claims) => {
    const parts = [header, claims].map(part => base64url.encode(JSON.stringify(part)))
    const signed = new TextEncoder().encode(parts.join('.'))
    const signature = await crypto.subtle.sign(algorithm, privateKey, signed)
    return [...parts, base64url.encode(new Uint8Array(signature))].join('.')
  })
}

async function proverOf(
  alg: string,
  { jwk, secret }: Pick<Prover, 'jwk' | 'secret'>,
  sign: Sign,
): Promise<Prover> {
  const proof: Prover['proof'] = async ({ method = 'GET', url, token, at }, { header, claims } = {}) => {
    const right = {
      jti: crypto.randomUUID(),
      htm: method,
      htu: url,
      iat: at ?? Math.floor(Date.now() / 1000),
      ath: await athOf(token),
    }
    return sign({ typ: 'dpop+jwt', alg, jwk, ...header }, { ...right, ...claims })
  }
  return {
    jwk,
    secret,
    cnf: { jkt: await calculateJwkThumbprint(jwk) },
    proof,
    headers: async (request, said) => ({
      authorization: `DPoP ${request.token}`,
      dpop: await proof(request, said),
    }),
  }
}

/** The hash of a token, as a proof says it. */
export async function athOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return base64url.encode(new Uint8Array(digest))
}
