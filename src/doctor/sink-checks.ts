import type { SinkStatus } from '../sinks/control.ts'
import { Failure } from './failure.ts'
import { type Checks, failed, type Outcome, ok, warning } from './finding.ts'

/** How far each sink is. Undefined if the log has none to look at. */
export interface SinksFacts {
  readonly sinks: readonly SinkStatus[] | Failure | undefined
}

/** Whether the systems that records are sent to take them. */
export const SINK_CHECKS: Checks<SinksFacts> = {
  /** Each sink takes records, and has refused none of them for good. */
  sinks({ sinks = [] }) {
    if (sinks instanceof Failure) {
      return failed(
        `how far the sinks are is not known: ${sinks.why}`,
        'look at what the gate writes to its console',
      )
    }
    const own = sinks.filter(({ name }) => !isAlert(name))
    return own.length === 0 ? ok('SINKS is not set: the records stay in the log') : own.map(judgeSink)
  },

  /** Someone is alerted of findings, and each system that alerts them takes alerts. */
  alerts({ sinks }) {
    // A log without sinks has no rules either, and the check before says why a list can't be had.
    if (sinks === undefined || sinks instanceof Failure) return []
    const receivers = sinks.filter(({ name }) => isAlert(name))
    return receivers.length === 0 ? judgeAlerts(0) : receivers.map(judgeReceiver)
  },
}

/** Alerts follow the log as sinks do, and have names that no sink can have. */
const ALERT = 'alert:'
const isAlert = (name: string): boolean => name.startsWith(ALERT)

/** Judges how many systems are alerted of findings. */
export function judgeAlerts(count: number): Outcome {
  return count === 0
    ? warning(
        'ALERTS is not set: what the rules find alerts no one',
        'set it, then run "mediaward alert-test"',
      )
    : ok(`systems that are alerted of findings: ${count}`)
}

function judgeReceiver({ name, retryAt, lastError, deadLetters }: SinkStatus): Outcome {
  const shown = name.slice(ALERT.length)
  if (retryAt !== undefined) {
    return failed(
      `${shown} takes no alerts: ${lastError?.message}`,
      `fix that, then run "mediaward alert-test ${shown}"`,
    )
  }
  return deadLetters > 0
    ? warning(
        `${shown} refused ${deadLetters} alerts for good`,
        `look at why with "mediaward sinks", then run "mediaward sinks replay ${name} --dead"`,
      )
    : ok(`${shown} is alerted of findings`)
}

function judgeSink({ name, behind, retryAt, lastError, deadLetters }: SinkStatus): Outcome {
  if (retryAt !== undefined) {
    return failed(
      `${name} takes no records, so ${behind} wait in the log: ${lastError?.message}`,
      `fix that, then run "mediaward sinks test ${name}"`,
    )
  }
  return deadLetters > 0
    ? warning(
        `${name} refused ${deadLetters} records for good`,
        `look at why with "mediaward sinks", then run "mediaward sinks replay ${name} --dead"`,
      )
    : ok(`${name} takes records; ${behind} are on their way`)
}
