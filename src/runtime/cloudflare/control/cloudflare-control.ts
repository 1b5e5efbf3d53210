import { withTimeout } from '../../../base/timeout.ts'
import { type Control, MAX_CHANGES } from '../../../control/control.ts'
import { changeOf, markOf } from '../../../control/restriction.ts'
import type { Bucket, ControlStub, ObjectNamespace } from '../bindings.ts'
import { objectFailed } from '../cloudflare-ledger.ts'
import { ControlCopy, FULL } from './control-copy.ts'

/** How long the object may take for a change, in milliseconds. It waits for R2, and may have to start. */
const CHANGE = 10_000
/** How long it may take to read, beside the wait for a change, in milliseconds. */
const READ = 3_000

/** The mark of a change that the copy lacks, as it has ended: the object has the reader begin from the start. */
const UNKNOWN = 'unknown'

/**
 * Creates the restrictions on Workers: the one Durable Object that has them, and its copy in R2.
 *
 * @param bucket where the copy is
 */
export function createCloudflareControl(objects: ObjectNamespace<ControlStub>, bucket: Bucket): Control {
  const ask = <Answer>(milliseconds: number, call: (stub: ControlStub) => Promise<Answer>) =>
    // A stub belongs to the request that made it.
    withTimeout(milliseconds, call(objects.get(objects.idFromName('control')))).catch(objectFailed('control'))
  const copy = new ControlCopy(bucket)
  return {
    add: restriction => ask(CHANGE, stub => stub.add(restriction)),
    addOnce: (restrictions, once) => ask(CHANGE, stub => stub.addOnce(restrictions, once)),
    undo: (epoch, undoing) => ask(CHANGE, stub => stub.undo(epoch, undoing)),
    eraseReason: epoch => ask(CHANGE, stub => stub.eraseReason(epoch)),
    list: () => ask(CHANGE, stub => stub.list()),
    reasons: epoch => ask(CHANGE, stub => stub.reasons(epoch)),
    changes: (after, wait, mark) => ask(wait + READ, stub => stub.changes(after, wait, mark)),

    async copy(after) {
      const { changes, end, more } = await copy.read(after, 2 * FULL)
      const page = changes.slice(0, MAX_CHANGES)
      const isCut = page.length < changes.length
      const last = page.at(-1)
      const epoch = isCut ? (last?.epoch ?? end) : end
      return {
        ...{ changes: page.map(changeOf), epoch, more: more || isCut },
        ...(epoch > after && { mark: last?.epoch === epoch ? markOf(last) : UNKNOWN }),
      }
    },
  }
}
