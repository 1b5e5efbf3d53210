import type { Detection } from '../detection.ts'

/** The rules to whose findings a gate may respond by itself. */
export const RESPONDED = ['RG-002', 'RG-003', 'RG-022'] as const
/** One of {@link RESPONDED}. */
export type RespondedRule = (typeof RESPONDED)[number]

/**
 * Whether what was found is so clear that the gate may respond by itself. A release that a mere header names is never clear:
 * anyone can send the name of the one that all patients have. Nor is an owner whom a refused upload names.
 */
const CLEAR: Readonly<Record<RespondedRule, (detection: Detection) => boolean>> = {
  'RG-002': ({ mayBlock }) => mayBlock === true,
  'RG-003': ({ mayBlock, provenRelease }) => mayBlock === true && provenRelease === true,
  'RG-022': ({ mayBlock }) => mayBlock === true,
}

/** Returns whether a gate may respond by itself to what was found. */
export function mayRespond(detection: Detection): boolean {
  return Object.hasOwn(CLEAR, detection.rule) && CLEAR[detection.rule as RespondedRule](detection)
}
