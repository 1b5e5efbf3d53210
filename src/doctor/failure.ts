import { shownFault } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'

/** A probe failed: what should be known couldn't be found out. */
export class Failure {
  /** Why, for the operator. Holds no secret. */
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

/** The longest that one probe may take, in milliseconds: longer than the gate waits for a key server or a store. */
const PATIENCE = 12_000

/**
 * Tries to find something out. Never rejects.
 *
 * @param describe says why it failed; undefined if the error may not be shown. By default only the messages of faults that
 *   are made for the operator are shown
 */
export async function attempt<Value>(
  work: () => Promise<Value>,
  describe: (error: unknown) => string | undefined = shownFault,
): Promise<Value | Failure> {
  try {
    return await withTimeout(PATIENCE, work())
  } catch (error) {
    return new Failure(describe(error) ?? 'its error may hold anything, so it is not shown')
  }
}
