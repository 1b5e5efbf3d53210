import type { JWK } from 'jose'
import { type Entry, inTenant } from '../entry.ts'
import type { KeySource } from './key-source.ts'
import type { KeySet } from './usable-keys.ts'

/**
 * Leaves out the keys of other tenants. A provider with many tenants publishes one set for all of them, and says with a
 * key whose it is (`issuer`, perhaps with `{tenantid}`): another tenant's key must not sign tokens of this one.
 *
 * @param issuer the `iss` of the tenant's tokens
 */
export function createTenantKeys(source: KeySource, issuer: string, tenant: string): KeySource {
  // The same set for the same set, as a key source promises.
  const ours = new WeakMap<KeySet, KeySet>()
  const ownOf = (set: KeySet): KeySet => {
    let own = ours.get(set)
    if (own === undefined) {
      own = { ...set, keys: set.keys.filter(key => isKeyOf(key, { issuer, tenant })) }
      ours.set(set, own)
    }
    return own
  }
  return {
    current: async (now, waitUntil) => ownOf(await source.current(now, waitUntil)),
    newer: async (now, waitUntil) => ownOf(await source.newer(now, waitUntil)),
  }
}

/** Returns whether a key may sign tokens of an entry: unless the entry is of a tenant, and the key names another. */
export function isKeyOf(key: JWK, { issuer, tenant }: Pick<Entry, 'issuer' | 'tenant'>): boolean {
  if (tenant === undefined) return true
  const { issuer: named } = key as Readonly<Record<string, unknown>>
  return named === undefined || (typeof named === 'string' && inTenant(named, tenant) === issuer)
}
