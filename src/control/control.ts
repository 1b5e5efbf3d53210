import type { Change, ListedRestriction, NewRestriction, Proposal } from './restriction.ts'

/** Changes after an epoch, by rising epoch. */
export interface Changes {
  readonly changes: readonly Change[]
  /** The epoch to ask after the next time. */
  readonly epoch: number
  /**
   * Tells the change with that epoch from another one that may get the same, when the storage has lost it. Absent if it isn't known:
   * the reader then asks without.
   */
  readonly mark?: string
  /** Whether there are more now. */
  readonly more: boolean
  /** True if the reader must forget all that it knew: the storage has lost the epoch that it asked after. */
  readonly restart?: true
}

/** Who undoes a restriction. */
export interface Undoing {
  /** Pseudonym of the analyst. */
  readonly by: string
  /** In milliseconds since 1970. */
  readonly at: number
  /** Why, in the analyst's words. */
  readonly reason?: string
  /** Whether another person must have asked for the same within the last hour. */
  readonly needsSecond: boolean
  /** All pseudonyms that the analyst can have: under every key, and by each entry of the issuer. Default: `by` alone. */
  readonly names?: readonly string[]
  /** It is proposed, even if another person has asked before: what is on record by now says no more. Default: false. */
  readonly onlyProposes?: boolean
}

/**
 * What became of a wish to undo. `proposed`: it waits for a second person. `unknown`: no restriction in force has that
 * number.
 */
export type Undone = 'undone' | 'proposed' | 'unknown'

/** Why a restriction was made, and why it was undone. */
export interface Reasons {
  readonly made?: string
  readonly undone?: string
}

/** What counts once, however often it is asked for. */
export interface Once {
  readonly key: string
  /** The key is remembered at least until then, in milliseconds since 1970. */
  readonly until: number
}

/** What became of restrictions that count once. */
export interface AddedOnce {
  /** The numbers that they got when the key came first, in their order. */
  readonly epochs: readonly number[]
  /** False if the key had come before: then nothing has changed. */
  readonly isFirst: boolean
}

/**
 * Port: the restrictions in force, numbered by epoch.
 *
 * `add` resolves to the epoch of a restriction when it is durable. From then on every call of `changes`, of any process,
 * shows it: also after a crash, and after the storage was set back to an earlier state.
 *
 * A revocation takes the place of an earlier one of the same scope and value, and lasts as long as the longer of both, up to the
 * later moment: a login that ends a thousand times is one restriction. A reader that has the earlier one is right with both.
 *
 * `addOnce` adds all of several, or nothing if its key has come before: to any process, and even if what it made then was undone or
 * has ended. No reader of `changes` learns of a key. Storage that was set back may have forgotten the last ones.
 *
 * `undo` ends a restriction before its time, or proposes it if it needs a second person. The same person never counts
 * twice.
 *
 * `list` resolves to the lockdowns in force, the oldest first. Revocations are not listed: there may be a hundred thousand.
 *
 * `reasons` resolves to why a restriction was made and undone, also after its end. `eraseReason` forgets both.
 *
 * `changes` resolves to what changed after an epoch; at once if anything did, else when something does, or after `wait`
 * milliseconds. After epoch 0 it starts with a state: restrictions that ended by then are left out. One page has at most
 * 10,000 changes. After an epoch that is higher than the last one, the answer starts from 0 with `restart`. So it does if the change
 * with that epoch has another `mark`, or was removed: a standby that lagged behind may have given the epoch again.
 *
 * `copy` reads the same from a place that doesn't fail together with the rest, if there is one. It may lack the last
 * second.
 */
export interface Control {
  add(restriction: NewRestriction): Promise<number>
  addOnce(restrictions: readonly NewRestriction[], once: Once): Promise<AddedOnce>
  undo(epoch: number, undoing: Undoing): Promise<Undone>
  list(): Promise<readonly ListedRestriction[]>
  reasons(epoch: number): Promise<Reasons>
  eraseReason(epoch: number): Promise<void>
  changes(after: number, wait: number, mark?: string): Promise<Changes>
  readonly copy?: (after: number) => Promise<Changes>
}

/** Most changes on one page. */
export const MAX_CHANGES = 10_000
/** A proposal to undo is forgotten after so long, in milliseconds. */
export const PROPOSAL = 3_600_000

/** Returns whether a restriction may be undone now: with no second person, or because another one has asked before. */
export function isAgreed(
  { by, at, needsSecond, names = [], onlyProposes = false }: Undoing,
  proposed: Pick<Proposal, 'by' | 'at'> | undefined,
): boolean {
  if (onlyProposes) return false
  if (!needsSecond) return true
  return (
    proposed !== undefined && proposed.by !== by && !names.includes(proposed.by) && isPending(proposed, at)
  )
}

/** Returns whether a proposal still counts. */
export const isPending = ({ at }: Pick<Proposal, 'at'>, now: number): boolean => now - at < PROPOSAL
