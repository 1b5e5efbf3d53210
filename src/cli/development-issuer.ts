import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { Issuer } from '../authenticate/issuer.ts'
import { UsageError } from './terminal.ts'

// The issuer of `mediaward dev`. It lives here, in the command line tool: the worker that is deployed contains
// nothing that signs a token, and trusts this issuer only where its configuration names it.

const ISSUER = 'https://issuer.mediaward.invalid/'
const AUDIENCE = 'mediaward-dev'
const FILE = 'development-secrets.json'

/** The secrets of one data folder. */
export interface Development {
  readonly key: JWK
  readonly pseudonymKey: string
}

/** Makes the secrets of a data folder at its first use; afterwards reads them. */
export async function openDevelopment(data: string): Promise<Development> {
  const file = join(data, FILE)
  if (!existsSync(file)) {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const key = { ...(await exportJWK(privateKey)), kid: 'development', alg: 'ES256', use: 'sig' }
    const development: Development = { key, pseudonymKey: randomBytes(32).toString('base64url') }
    mkdirSync(data, { recursive: true })
    writeFileSync(`${file}.new`, JSON.stringify(development), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Development
}

/** The development issuer as the gate is told of it: with its public key alone. */
export function developmentIssuer({ key }: Development): Issuer {
  const { d: _, ...publicKey } = key
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ['ES256'],
    jwks: { keys: [publicKey as JWK & { kty: string }] },
  }
}

/** What a development token says. */
export interface TokenRequest {
  readonly subject: string
  readonly roles: readonly string[]
  /** Life time in seconds. */
  readonly ttl: number
  /** Further claims; they win over ours. */
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * Signs a token of the development issuer.
 *
 * @throws UsageError where the data folder has no issuer yet
 */
export async function signToken(
  data: string,
  { subject, roles, ttl, claims }: TokenRequest,
): Promise<string> {
  if (!existsSync(join(data, FILE))) {
    throw new UsageError(
      `there is no development issuer in ${data}`,
      'start "npm start" first, or name its --data DIR',
    )
  }
  const { key } = await openDevelopment(data)
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: subject,
    iat: now,
    exp: now + ttl,
    jti: crypto.randomUUID(),
    ...(roles.length > 0 && { roles }),
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'development', typ: 'at+jwt' })
    .sign(await importJWK(key, 'ES256'))
}
