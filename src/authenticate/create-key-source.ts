import type { Issuer } from './issuer.ts'
import { createInlineKeys, type KeySource } from './key-source.ts'
import { createRemoteKeys } from './remote-keys.ts'

/** Creates the source of an entry's keys. */
export function createKeySource({ issuer, jwks, jwks_uri }: Issuer): KeySource {
  if (jwks !== undefined) return createInlineKeys(jwks)
  if (jwks_uri !== undefined) return createRemoteKeys(jwks_uri)
  throw new Error(`issuer ${JSON.stringify(issuer)} has neither jwks nor jwks_uri`)
}
