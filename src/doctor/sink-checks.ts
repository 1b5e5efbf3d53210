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
    return sinks.length === 0 ? ok('SINKS is not set: the records stay in the log') : sinks.map(judgeSink)
  },
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
