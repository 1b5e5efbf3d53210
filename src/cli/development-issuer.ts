import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { Issuer } from '../authenticate/issuer.ts'
import { ROLES } from '../authorize/rules/role.ts'
import { member, parseJson } from './json.ts'
import { COMMAND, UsageError } from './terminal.ts'

// The issuer of `mediaward dev`. It is part of the command line tool only: the worker that is deployed contains no code
// that signs a login token, and trusts this issuer only if its configuration names it.

const ISSUER = 'https://issuer.mediaward.invalid/'
const AUDIENCE = 'mediaward-dev'
const FILE = 'development-secrets.json'

/** The secrets of a data folder. */
export interface DevelopmentSecrets {
  /** The private key that signs tokens. */
  readonly key: JWK & { readonly kty: string }
  readonly pseudonymKey: string
}

/** Creates new secrets. Writes no file. */
export async function createDevelopmentSecrets(): Promise<DevelopmentSecrets> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  const key = { ...jwk, kty: 'EC', kid: 'development', alg: 'ES256', use: 'sig' }
  return { key, pseudonymKey: randomBytes(32).toString('base64url') }
}

/**
 * Reads the secrets of a data folder.
 *
 * @returns undefined if it has none yet
 * @throws UsageError if the file is damaged
 */
export function readDevelopmentSecrets(data: string): DevelopmentSecrets | undefined {
  const file = join(data, FILE)
  if (!existsSync(file)) return undefined
  const secrets = parseJson(readFileSync(file, 'utf8'))
  if (isDevelopmentSecrets(secrets)) return secrets
  throw new UsageError(
    `${file} is damaged`,
    'delete it: a new one is created, older tokens stop working, and people get new pseudonyms',
  )
}

function isDevelopmentSecrets(value: unknown): value is DevelopmentSecrets {
  const key = member(value, 'key')
  const strings = [member(key, 'd'), member(key, 'kty'), member(value, 'pseudonymKey')]
  return strings.every(secret => typeof secret === 'string')
}

/** Writes the secrets to a data folder, in one step. Only the user that runs this can read the file. */
export function saveDevelopmentSecrets(data: string, development: DevelopmentSecrets): void {
  const file = join(data, FILE)
  mkdirSync(data, { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(development), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Returns the configuration by which a gate trusts the development issuer, with its public key only. */
export function developmentIssuer({ key }: DevelopmentSecrets): Issuer {
  const { d: _, ...publicKey } = key
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ['ES256'],
    jwks: { keys: [publicKey] },
    // Without it, a single issuer gives neither `viewer` nor `analyst`.
    allowed_roles: ROLES,
  }
}

/** The content of a development token. */
export interface TokenRequest {
  readonly subject: string
  readonly roles: readonly string[]
  /** Lifetime in seconds. Negative for a token that has expired already. */
  readonly ttl: number
  /** Further claims. They replace the standard ones. */
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * Signs a token of the development issuer.
 *
 * @throws UsageError if the data folder has no issuer yet
 */
export async function signToken(
  data: string,
  { subject, roles, ttl, claims }: TokenRequest,
): Promise<string> {
  const development = readDevelopmentSecrets(data)
  if (development === undefined) {
    throw new UsageError(
      `${data} contains no development issuer`,
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

/** Returns whether a token is one of the development issuer of any data folder, and has not expired. */
export function isCurrentDevelopmentToken(token: string): boolean {
  try {
    const { iss, exp = 0 } = decodeJwt(token)
    return iss === ISSUER && exp * 1000 > Date.now()
  } catch {
    return false
  }
}
