import process from 'node:process'
import { expect } from 'vitest'

/** The least CPU time that it took, of a few times, in milliseconds: on a busy machine the clock says nothing. */
function costOf(work: () => void, times: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let time = 0; time < times; time += 1) {
    const begun = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(begun)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

/**
 * Holds that four times as much takes about four times as long. What is quadratic takes sixteen times; what is over in a
 * moment is too short to be measured.
 *
 * @param of what is done with so many bytes
 */
export function expectLinear(of: (size: number) => () => void, most: number): void {
  const [part, whole] = [of(most / 4), of(most)]
  let growth = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3 && growth > 9; round += 1) {
    const long = costOf(whole, 2)
    growth = long < 40 ? 0 : long / Math.max(costOf(part, 3), 1)
  }
  expect(growth).toBeLessThan(9)
}
