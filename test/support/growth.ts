import process from 'node:process'

/** Largest growth of the time for four times the input: 4 is linear, 16 is quadratic. */
const LIMIT = 10
/** A shorter time is not measured, in milliseconds: it would be nothing but noise. */
const NOTHING = 1
/** The least CPU time of a measurement, in milliseconds: some systems count in steps of ten. */
const ENOUGH = 300

/**
 * Measures how the time of `work` grows from an input of `size` to one four times as large. Measures by the clock first,
 * as that is quick. If the time seems to grow too fast, measures the CPU time of this thread, which a busy machine doesn't
 * change.
 *
 * @returns how many times longer the larger input takes; undefined if the growth is linear, or too short to measure
 */
export async function growth<Input>(
  input: (size: number) => Input,
  size: number,
  work: (input: Input) => unknown,
): Promise<number | undefined> {
  const [small, large] = [input(size), input(4 * size)]
  let [least, most] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let run = 0; run < 6; run++) {
    least = Math.min(least, await elapsed(() => work(small)))
    most = Math.min(most, await elapsed(() => work(large)))
    if (run >= 2 && (most < NOTHING || most / least < LIMIT)) return undefined
  }
  const found = (await cpu(() => work(large))) / (await cpu(() => work(small)))
  return found < LIMIT ? undefined : found
}

/**
 * Returns the least CPU time of a run of `work`, in milliseconds. Repeats the run until one takes no more than `enough`,
 * or up to 60 times, so that a busy machine leaves at least one undisturbed.
 */
export async function leastCpu(work: () => unknown, enough: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 60 && least > enough; run++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

async function elapsed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Returns the CPU time of one run, in milliseconds: the mean of as many runs as take long enough to measure. */
async function cpu(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage()
  for (let runs = 1; ; runs++) {
    await work()
    const { user, system } = process.threadCpuUsage(before)
    const spent = (user + system) / 1000
    if (spent >= ENOUGH) return spent / runs
  }
}
