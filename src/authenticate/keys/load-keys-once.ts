import type { JWK } from 'jose'
import type { Entry } from '../entry.ts'
import type { Algorithm } from '../issuer.ts'
import type { KeyHttp } from './fetch-keys.ts'
import { readMaterial, Unfit } from './key-material.ts'
import { keyPlaceOf } from './key-sources.ts'
import { REMOTE_KEYS } from './remote-keys.ts'
import { ownKeys } from './tenant-keys.ts'
import { describeBroken, describeUnused, type KeySet, usableKeys } from './usable-keys.ts'

/** The keys of an entry, as an operator wants to know them. */
export interface LoadedKeys {
  /** How many keys can verify signatures. */
  readonly usable: number
  /** The entry's algorithms that at least one key can be used with. */
  readonly covered: readonly Algorithm[]
  /** Which keys are meant for signatures and can't be used, each with the reason. */
  readonly broken: readonly string[]
  /** Why the other keys can't be used. Empty if there are none. */
  readonly unused: string
}

/**
 * Creates a function that loads the keys of an entry now, whatever the gate remembers of them. What several entries share
 * is loaded once.
 *
 * @returns a function that rejects with a `KeyFault` if the keys can't be had
 */
export function createKeyLoads(http: KeyHttp): (entry: Entry) => Promise<LoadedKeys> {
  const loads = new Map<unknown, Promise<KeySet>>()
  const load = (entry: Entry): Promise<KeySet> => {
    if (typeof entry.jwks === 'object') return Promise.resolve(usableKeys(entry.jwks))
    const [place, loadKeys] = keyPlaceOf(entry, http)
    const { timeout } = REMOTE_KEYS
    const known = loads.get(place) ?? loadKeys({ signal: AbortSignal.timeout(timeout), timeout })
    loads.set(place, known)
    return known
  }
  return async entry => {
    const set = ownKeys(await load(entry), entry)
    const { keys } = set
    const used = new Set(keys.flatMap(algorithmsOf))
    return {
      usable: keys.length,
      covered: entry.algorithms.filter(algorithm => used.has(algorithm)),
      broken: describeBroken(set),
      unused: describeUnused(set),
    }
  }
}

/** Lists the algorithms that a usable key can be used with. */
function algorithmsOf(key: JWK): readonly Algorithm[] {
  const material = readMaterial({ ...key })
  if (material instanceof Unfit) return []
  return material.algorithms.filter(algorithm => key.alg === undefined || key.alg === algorithm)
}
