/** An alert, as it arrived at the page's server. */
export interface ArrivedAlert {
  /** Its `webhook-id`. */
  readonly id: string
  /** When it arrived, in milliseconds since 1970. */
  readonly at: number
  /** Its body. */
  readonly message: unknown
}

/** What the page reads of an alert. */
export interface AlertMessage {
  readonly type?: string
  readonly data?: {
    readonly finding?: string
    readonly rule?: string
    readonly severity?: string
    readonly title?: string
  }
}

/** What the page reads of a finding. Times are in milliseconds since 1970. */
export interface PageFinding {
  readonly id: string
  readonly rule: string
  readonly severity: string
  readonly group: Readonly<Record<string, string>>
  readonly count: number
  readonly first_seen: number
  readonly last_seen: number
}

/** What happened in the incident, and when. */
export interface Step {
  /** Milliseconds since the first denial. */
  readonly after: number
  readonly what: string
}

/** What the page itself did, or saw, at a time in milliseconds since 1970. */
export interface Noted {
  readonly at: number
  readonly what: string
}

/** The rule that finds a release to blame. */
export const SYSTEMIC = 'RG-003'

/**
 * Puts what happened since a time in order, counted from the first denial. Everything runs on one machine, so all times are of
 * one clock.
 *
 * @param since when the incident began
 * @returns nothing if no finding has come up since then
 */
export function timelineOf(
  since: number,
  findings: readonly PageFinding[],
  alerts: readonly ArrivedAlert[],
  noted: readonly Noted[],
): readonly Step[] {
  const opened = findings
    .filter(({ id }) => timeOf(id) >= since)
    .sort((one, other) => timeOf(one.id) - timeOf(other.id))
  const [first] = opened
  if (first === undefined) return []
  const denied = Math.min(...opened.map(({ first_seen }) => first_seen))
  const ids = new Set(opened.map(({ id }) => id))
  const alert = alerts.find(
    ({ at, message }) => at >= since && ids.has((message as AlertMessage | null)?.data?.finding ?? ''),
  )
  const systemic = opened.find(({ rule }) => rule === SYSTEMIC)
  const steps: Noted[] = [
    { at: denied, what: 'first denial' },
    { at: timeOf(first.id), what: 'finding' },
    ...(alert === undefined ? [] : [{ at: alert.at, what: 'alert' }]),
    ...(systemic === undefined || systemic === first
      ? []
      : [{ at: timeOf(systemic.id), what: 'finding: the release is to blame' }]),
    ...noted.filter(({ at }) => at >= since),
  ]
  return (
    steps
      .sort((one, other) => one.at - other.at)
      // Of the same millisecond is later, too.
      .map(({ at, what }, i) => ({ after: Math.max(Math.min(i, 1), at - denied), what }))
  )
}

/** Returns when a UUIDv7 was made, in milliseconds since 1970. */
export function timeOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}

/** Writes how long something took as people read it. */
export function seconds(milliseconds: number): string {
  if (milliseconds === 0) return '0 s'
  // No one believes in 0.00 s.
  if (milliseconds < 10) return '< 0.01 s'
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 0)} s`
}
