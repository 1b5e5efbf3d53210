/** Largest growth of the time for four times the input: 4 is linear, 16 is quadratic. */
const LIMIT = 8
/** What takes less is not measured, in milliseconds: noise would be all of it. */
const NOTHING = 1

/**
 * Measures how the time of `work` grows from an input of `size` to one of four times that. The shortest of several
 * runs counts, so that a busy machine makes it no longer: only what grows too fast in every run is called so.
 *
 * @returns how much longer the larger input takes; undefined if it grows as it may, or takes no time worth measuring
 */
export async function growth<Input>(
  input: (size: number) => Input,
  size: number,
  work: (input: Input) => unknown,
): Promise<number | undefined> {
  const [small, large] = [input(size), input(4 * size)]
  let [least, most] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let run = 0; run < 20; run++) {
    least = Math.min(least, await timed(() => work(small)))
    most = Math.min(most, await timed(() => work(large)))
    if (run >= 2 && (most < NOTHING || most / least < LIMIT)) return undefined
  }
  return most / least
}

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
