/** How bad a finding is, from the least to the most. */
export const SEVERITIES = [
  // Nothing to do.
  'info',
  // To be read some day.
  'low',
  // To be looked at within a working day.
  'medium',
  // To be looked at within the hour.
  'high',
  // Wakes a person.
  'critical',
] as const
/** One of {@link SEVERITIES}. */
export type Severity = (typeof SEVERITIES)[number]

/** Returns the worse of two severities. */
export function worse(one: Severity, other: Severity): Severity {
  return SEVERITIES.indexOf(one) < SEVERITIES.indexOf(other) ? other : one
}

/** Returns whether a severity is at least as bad as another. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return worse(severity, least) === severity
}

/**
 * Returns the worst of several severities, as of findings that are joined.
 *
 * @param least no less than this is returned
 */
export function worstOf(all: readonly Severity[], least: Severity): Severity {
  return all.reduce(worse, least)
}
