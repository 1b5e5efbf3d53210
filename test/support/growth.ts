import process from 'node:process'

/** Largest growth of the time for four times the input: 4 is linear, 16 is quadratic. */
const LIMIT = 10
/** What takes less is not measured, in milliseconds: noise would be all of it. */
const NOTHING = 1
/** CPU time that a measurement takes at least, in milliseconds: some systems count in steps of ten. */
const ENOUGH = 300

/**
 * Measures how the time of `work` grows from an input of `size` to one of four times that: first by the clock, as that
 * is quick. What seems to grow too fast is measured by CPU time of this thread, so that a busy machine finds the same.
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
  for (let run = 0; run < 6; run++) {
    least = Math.min(least, await elapsed(() => work(small)))
    most = Math.min(most, await elapsed(() => work(large)))
    if (run >= 2 && (most < NOTHING || most / least < LIMIT)) return undefined
  }
  const found = (await cpu(() => work(large))) / (await cpu(() => work(small)))
  return found < LIMIT ? undefined : found
}

/**
 * The least CPU time that a run of `work` takes, in milliseconds: it is repeated until it has taken no more than `enough`, as
 * often as a busy machine may need to leave it alone once.
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

/** CPU time of one run, in milliseconds, over as many runs as it takes to tell. */
async function cpu(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage()
  for (let runs = 1; ; runs++) {
    await work()
    const { user, system } = process.threadCpuUsage(before)
    const spent = (user + system) / 1000
    if (spent >= ENOUGH) return spent / runs
  }
}
