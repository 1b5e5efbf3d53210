import type { JWK } from 'jose'
import { printable } from '../../base/operator.ts'
import { type Entry, TENANT } from '../entry.ts'
import type { PublishedKey } from './key-material.ts'
import { identityOf, type KeySet, type UnusedKey } from './usable-keys.ts'

/** Whose tokens a key may sign. */
type Owner = Pick<Entry, 'issuer' | 'tenant'>

/** The sets without the keys of others, by issuer. */
const ownSets = new WeakMap<KeySet, Map<string, KeySet>>()

/**
 * Leaves out the keys of other issuers. A provider with many tenants publishes one set for all of them, and says with a
 * key whose it is (`issuer`, perhaps with `{tenantid}`): another tenant's key must not sign tokens of this one.
 *
 * @returns the same object for the same set and issuer, because imported keys are cached by it
 */
export function ownKeys(set: KeySet, owner: Owner): KeySet {
  const byIssuer = ownSets.get(set) ?? new Map<string, KeySet>()
  ownSets.set(set, byIssuer)
  const own = byIssuer.get(owner.issuer) ?? withoutOthers(set, owner)
  byIssuer.set(owner.issuer, own)
  return own
}

function withoutOthers(set: KeySet, owner: Owner): KeySet {
  const isOwn = (key: JWK | UnusedKey) => {
    const { issuer }: PublishedKey = { ...key }
    return typeof issuer !== 'string' || isIssuerOf(issuer, owner)
  }
  const keys = set.keys.filter(isOwn)
  const broken = set.broken.filter(isOwn)
  if (keys.length === set.keys.length && broken.length === set.broken.length) return set
  const others = set.keys.flatMap((key, index): UnusedKey[] => {
    const identity = identityOf({ ...key }, index)
    return isOwn(key)
      ? []
      : [{ ...identity, why: `it is for the issuer "${printable(`${identity.issuer}`)}"` }]
  })
  return { keys, broken, ignored: [...set.ignored, ...others] }
}

/** The id of a tenant of Microsoft Entra. */
const TENANT_ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/

/**
 * Returns whether the issuer that a key names is that of an entry, or of all tenants. Microsoft Entra publishes the keys of
 * its version 1 and External ID tokens with the issuer that version 2 tokens have. The tenant is the same.
 */
function isIssuerOf(named: string, { issuer, tenant }: Owner): boolean {
  if (named === issuer || named.includes(TENANT)) return true
  const id = tenant ?? TENANT_ID.exec(issuer)?.[0]
  return id !== undefined && TENANT_ID.exec(named)?.[0] === id
}
