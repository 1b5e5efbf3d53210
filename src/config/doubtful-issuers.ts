import { nameOf } from '../authenticate/entry.ts'
import type { Issuer } from '../authenticate/issuer.ts'
import { logToOperator } from '../base/operator.ts'
import { doubtsIn } from '../doctor/doubtful-issuers.ts'

/** Warns the operator of what is most likely a mistake in an issuer's entry, but may be meant. */
export function warnOfDoubtfulIssuers(issuers: readonly Issuer[]): void {
  for (const entry of issuers) {
    for (const { member, found, fix } of doubtsIn(entry)) {
      logToOperator(`the ${member} of entry ${JSON.stringify(nameOf(entry))} ${found}: ${fix}`)
    }
  }
}
