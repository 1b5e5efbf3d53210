/**
 * Length of a timing slot, in milliseconds. A refusal by policy leaves at the end of a slot, counted from when the
 * request came: a recording that does not exist is refused a little faster than one that belongs to someone else, and
 * the time of the answer must not show which of the two it is.
 */
const SLOT = 25
/**
 * Slots that a coalesced refusal waits for. Most of these read no store, but the first one with another reason is
 * recorded: at the end of the longer slot both take the same time. A caller that repeats itself can wait, and so can one in
 * the network of a flood.
 */
export const COALESCED_SLOTS = 4

/** Returns the milliseconds from `elapsed` to the end of the slot. `slots` of them count as one. */
export function untilTimingSlot(elapsed: number, slots = 1): number {
  const length = SLOT * slots
  return length - (elapsed % length)
}

/**
 * Returns how long a coalesced refusal may be worked on, in milliseconds, and still leave at the end of its slot. One
 * plain slot is kept in reserve for a busy machine.
 */
export function workTimeInSlot(elapsed: number): number {
  return Math.max(0, untilTimingSlot(elapsed, COALESCED_SLOTS) - SLOT)
}
