import type { Detection, GroupField } from '../detection.ts'
import { ALL_RULES, type Suppression } from '../finding.ts'
import type { NewSuppression } from '../finding-control.ts'

/** Most suppressions in force: each detection is compared with those of its rule. */
export const MAX_SUPPRESSIONS = 1_000

/** Returns whether a suppression is not over at a time, in milliseconds since 1970. It may begin later. */
export const isKept = ({ ended, expires }: Suppression, now: number): boolean =>
  ended === undefined && expires > now

/** Returns whether findings of a rule can be grouped as a suppression names it. */
export function isGroupOf(
  { group, crowd }: Pick<NewSuppression, 'group' | 'crowd'>,
  fields: readonly GroupField[],
): boolean {
  const named = Object.keys(group) as readonly GroupField[]
  if (crowd === true) return named.length === 1 && group.release !== undefined
  return named.every(field => fields.includes(field))
}

/** The suppressions that are in force, or will be. */
export class Suppressions {
  readonly #all = new Map<string, Suppression>()

  constructor(all: readonly Suppression[]) {
    for (const one of all) this.#all.set(one.id, one)
  }

  /** How many are kept. */
  get size(): number {
    return this.#all.size
  }

  get(id: string): Suppression | undefined {
    return this.#all.get(id)
  }

  /** Adds or replaces one, or forgets it if it is over. */
  set(suppression: Suppression, now: number): void {
    if (isKept(suppression, now)) this.#all.set(suppression.id, suppression)
    else this.#all.delete(suppression.id)
  }

  /** Returns the first one that applies to a detection. */
  match({ rule, tenant, group }: Detection, now: number): Suppression | undefined {
    for (const one of this.#all.values()) {
      if (one.rule !== rule && one.rule !== ALL_RULES) continue
      if ((one.starts ?? 0) > now || (one.tenant !== undefined && one.tenant !== tenant)) continue
      const isWithin = Object.entries(one.group).every(
        ([field, value]) => group[field as keyof typeof group] === value,
      )
      if (!isWithin) continue
      if (isKept(one, now)) return one
      this.#all.delete(one.id)
    }
    return undefined
  }
}
