/**
 * A store or a ledger failed. Its message says what failed and how to mend it, and holds no key, address, person or
 * secret: the operator gets to read it.
 */
export class StorageFault extends Error {
  override readonly name = 'StorageFault'
}

/**
 * Writes to the console why storage failed, where the error, or what caused it, is a {@link StorageFault}. What other
 * errors say is nobody's to read: there may be anything in it.
 *
 * @param about what came of it
 */
export function logFault(about: string, error: unknown): void {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof StorageFault)) continue
    logToOperator(`${about}: ${cause.message}`)
    return
  }
}

/** The one place that writes to the console of a server. */
export function logToOperator(text: string): void {
  // biome-ignore lint/suspicious/noConsole: the operator of a server reads it there
  console.error(`mediaward: ${text}`)
}
