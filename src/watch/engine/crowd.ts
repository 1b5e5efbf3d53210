import type { Detection } from '../detection.ts'
import { Generations } from './generations.ts'

const WINDOW = 15 * 60_000

/**
 * Keeps a rule from filling the night with findings: a bug that hits ten thousand patients would make as many, and an attack
 * from many networks, too. After some groups of a rule within a quarter of an hour, each with a finding of its own, what
 * further groups do is one finding for the release, or for all.
 */
export class Crowd {
  readonly #groups = new Generations<string, Map<string, number>>(500)

  /**
   * Returns the group that a finding is about.
   *
   * @param of rule and tenant
   * @param most most groups that have a finding of their own
   */
  place(
    of: string,
    group: Detection['group'],
    release: string | undefined,
    { time, most }: { readonly time: number; readonly most: number },
  ): Detection['group'] {
    const seen = this.#groups.get(of) ?? new Map<string, number>()
    this.#groups.set(of, seen)
    const name = JSON.stringify(group)
    if (!seen.has(name) && seen.size >= most) {
      for (const [one, last] of seen) if (Math.abs(time - last) >= WINDOW) seen.delete(one)
      if (seen.size >= most) return release === undefined ? {} : { release }
    }
    seen.set(name, Math.max(time, seen.get(name) ?? 0))
    return group
  }
}
