import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { Issuer } from '../authenticate/issuer.ts'
import { COMMAND } from './own-file.ts'
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

/** Makes new secrets. Nothing is written. */
export async function createDevelopment(): Promise<Development> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), kid: 'development', alg: 'ES256', use: 'sig' }
  return { key, pseudonymKey: randomBytes(32).toString('base64url') }
}

/**
 * Reads the secrets of a data folder; undefined where it has none yet.
 *
 * @throws UsageError where the file is damaged
 */
export function readDevelopment(data: string): Development | undefined {
  const file = join(data, FILE)
  if (!existsSync(file)) return undefined
  try {
    const { key, pseudonymKey } = JSON.parse(readFileSync(file, 'utf8')) as Development
    if (typeof key.d === 'string' && typeof pseudonymKey === 'string') return { key, pseudonymKey }
  } catch {
    // Said below.
  }
  throw new UsageError(
    `${file} is damaged`,
    'take it away; a new one is made, and older tokens and pseudonyms end',
  )
}

/** Writes the secrets into a data folder, whole or not at all, for its owner's eyes alone. */
export function saveDevelopment(data: string, development: Development): void {
  const file = join(data, FILE)
  mkdirSync(data, { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(development), { mode: 0o600 })
  renameSync(`${file}.new`, file)
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
  const development = readDevelopment(data)
  if (development === undefined) {
    throw new UsageError(
      `there is no development issuer in ${data}`,
      `start "${COMMAND} dev" first, or name its --data DIR`,
    )
  }
  const { key } = development
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
