import process from 'node:process'

/** Whether the whole of what is large is run (`npm run test:long`), and not only a sample of it. */
export const LONG: boolean = process.env.TEST_LONG === '1'

/** The seed of every sample, so that two runs of the same code try the same cases. */
const SEED = 20200609

/**
 * How often fast-check tries a property: `short` times in `npm test`, with a fixed seed, so that a run is the same
 * each time; `long` times in `npm run test:long`, with a seed of its own, which fast-check prints when it fails.
 */
export function sample(short: number, long: number): { readonly numRuns: number; readonly seed?: number } {
  return LONG ? { numRuns: long } : { numRuns: short, seed: SEED }
}
