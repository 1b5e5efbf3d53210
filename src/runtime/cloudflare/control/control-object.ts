import { DurableObject } from 'cloudflare:workers'
import { logFault, NOT_SHOWN, StorageFault } from '../../../base/storage-fault.ts'
import { withTimeout } from '../../../base/timeout.ts'
import type { AddedOnce, Changes, Once, Reasons, Undoing, Undone } from '../../../control/control.ts'
import type { ListedRestriction, NewRestriction } from '../../../control/restriction.ts'
import { ControlTable } from '../../sqlite/control/control-table.ts'
import { Alarm } from '../alarm.ts'
import type { Bucket, DurableState } from '../bindings.ts'
import { storageOf } from '../durable-storage.ts'
import { ControlCopy } from './control-copy.ts'
import { Copier } from './copier.ts'

/** How long a change waits for the copy, and how long the start does. In milliseconds. */
const PATIENCE = 1_000
const START = 2_000
/** When the copy is tried again after a failure, in milliseconds. */
const RETRY = 5_000

/**
 * The restrictions: one Durable Object. Each change is copied to R2, so that none is forgotten if the object is set back to an
 * earlier state. A lockdown doesn't fail because R2 does: the copy is then written later. But after a start no reader is answered until
 * R2 has.
 */
export class ControlObject extends DurableObject {
  readonly #table: ControlTable
  readonly #copier: Copier
  readonly #alarm: Alarm
  /** Whether the last try to copy failed. */
  #isFailing = false

  constructor(state: DurableState, env: unknown) {
    super(state as never, env as never)
    this.#table = new ControlTable(storageOf(state), () => Date.now())
    const { AUDIT } = env as { readonly AUDIT: Bucket }
    this.#copier = new Copier(this.#table, new ControlCopy(AUDIT))
    this.#alarm = new Alarm(state)
    void state.blockConcurrencyWhile(() => this.#copy(START))
  }

  async add(restriction: NewRestriction): Promise<number> {
    const epoch = await this.#table.add(restriction)
    await this.#copy(PATIENCE)
    return epoch
  }

  async addOnce(restrictions: readonly NewRestriction[], once: Once): Promise<AddedOnce> {
    const added = await this.#table.addOnce(restrictions, once)
    await this.#copy(PATIENCE)
    return added
  }

  async undo(epoch: number, undoing: Undoing): Promise<Undone> {
    const undone = await this.#table.undo(epoch, undoing)
    if (undone === 'undone') await this.#copy(PATIENCE)
    return undone
  }

  list(): Promise<readonly ListedRestriction[]> {
    return this.#table.list()
  }

  reasons(epoch: number): Promise<Reasons> {
    return this.#table.reasons(epoch)
  }

  eraseReason(epoch: number): Promise<void> {
    return this.#table.eraseReason(epoch)
  }

  async changes(after: number, wait: number, mark?: string): Promise<Changes> {
    // It may have been set back, and does not know yet what it has lost. Whatever it says may lack a lockdown.
    if (!this.#copier.isCompared) throw new StorageFault('perhaps set back, and not compared with R2 yet')
    return this.#table.changes(after, wait, mark)
  }

  /** Copies what could not be copied before. */
  async alarm(): Promise<void> {
    this.#alarm.wentOff()
    await this.#copy(RETRY)
  }

  /** Resolves when the copy has all changes, or after so many milliseconds. Never rejects. */
  async #copy(patience: number): Promise<void> {
    try {
      await withTimeout(patience, this.#copier.run())
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) logFault('restrictions are not copied to R2 yet', error, NOT_SHOWN)
      this.#isFailing = true
      this.#alarm.set(Date.now() + RETRY)
    }
  }
}
