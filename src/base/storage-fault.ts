import { logToOperator } from './operator.ts'
import { TimedOut } from './timeout.ts'

/**
 * A store or a ledger failed. The message says what failed and how to fix it. It contains no key, address, person or
 * secret, because it is written to the server's console.
 */
export class StorageFault extends Error {
  override readonly name = 'StorageFault'
}

/** What the operator reads of an error that may contain anything. */
export const NOT_SHOWN = 'its error is not a StorageFault, so its message is not shown'

/**
 * Writes to the console why storage failed, if the error or one of its causes is a {@link StorageFault} or a
 * {@link TimedOut}. The messages of other errors are not written: they may contain anything.
 *
 * @param about what the failure led to
 * @param otherwise what to write in place of the message of another error. By default nothing is written of it
 */
export function logFault(about: string, error: unknown, otherwise?: string): void {
  const why = shownFault(error) ?? otherwise
  if (why !== undefined) logToOperator(`${about}: ${why}`)
}

/** Returns what the operator may read of an error: the message of the first fault among it and its causes. */
export function shownFault(error: unknown): string | undefined {
  let cause = error
  while (cause instanceof Error && !mayBeShown(cause)) ({ cause } = cause)
  return mayBeShown(cause) ? cause.message : undefined
}

function mayBeShown(error: unknown): error is StorageFault | TimedOut {
  return error instanceof StorageFault || error instanceof TimedOut
}
