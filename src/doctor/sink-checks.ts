import { RESPONSE } from '../respond/receiver.ts'
import type { SinkStatus } from '../sinks/control.ts'
import { Failure } from './failure.ts'
import { type Checks, failed, type Outcome, ok, warning } from './finding.ts'

/** What is known of those that follow the log. */
export interface SinksFacts {
  /** How far each sink is. Undefined if the log has none to look at. */
  readonly sinks: readonly SinkStatus[] | Failure | undefined
  /** Whether rules watch the log. */
  readonly isWatched: boolean
}

/** Whether the systems that records are sent to take them. */
export const SINK_CHECKS: Checks<SinksFacts> = {
  /** Each sink took the last record or test that it was sent, and has refused no record for good. */
  sinks({ sinks = [] }) {
    if (sinks instanceof Failure) {
      return failed(
        `how far the sinks are is not known: ${sinks.why}`,
        'look at what the gate writes to its console',
      )
    }
    const own = sinks.filter(({ name, type }) => !isAlert(name) && type !== RESPONSE)
    return own.length === 0 ? ok('SINKS is not set: the records stay in the log') : own.map(judgeSink)
  },

  /** Someone is alerted of findings, and each system that alerts them took the last alert or test that it was sent. */
  alerts({ sinks = [], isWatched }) {
    // The check before says why a list can't be had.
    if (!isWatched || sinks instanceof Failure) return []
    const receivers = sinks.filter(({ name }) => isAlert(name))
    return receivers.length === 0 ? judgeAlerts(0) : receivers.map(judgeReceiver)
  },

  /** What responds to findings by itself, if anything does, could lock down what it last had to. */
  response: ({ sinks = [] }) =>
    sinks instanceof Failure ? [] : sinks.filter(({ type }) => type === RESPONSE).map(judgeResponse),
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

function judgeReceiver(receiver: SinkStatus): Outcome {
  const { name, lastSuccess } = receiver
  const shown = name.slice(ALERT.length)
  const test = `"mediaward alert-test ${shown}"`
  const error = errorOf(receiver)
  if (error !== undefined) {
    return failed(`${shown} takes no alerts: ${error}`, `fix that, then run ${test}`)
  }
  if (receiver.deadLetters > 0) return judgeDead(receiver, shown, 'alerts')
  return lastSuccess === undefined
    ? warning(
        `${shown} has taken no alert so far, so it is not known whether it answers`,
        `run ${test}, which shows it`,
      )
    : ok(`${shown} is alerted of findings, and took an alert or a test at ${timeOf(lastSuccess)}`)
}

function judgeSink(sink: SinkStatus): Outcome {
  const { name, behind, lastSuccess } = sink
  const test = `"mediaward sinks test ${name}"`
  const error = errorOf(sink)
  if (error !== undefined) {
    return failed(
      `${name} takes no records, so ${behind} wait in the log: ${error}`,
      `fix that, then run ${test}`,
    )
  }
  if (sink.deadLetters > 0) return judgeDead(sink, name, 'records')
  return lastSuccess === undefined
    ? warning(
        `${name} has taken no record so far, so it is not known whether it answers`,
        `run ${test}, which shows it`,
      )
    : ok(`${name} takes records; ${behind} are on their way`)
}

/** There may have been nothing to respond to. */
function judgeResponse(response: SinkStatus): Outcome {
  const error = errorOf(response)
  if (error !== undefined) {
    const fix = 'fix that, and until then contain findings with "mediaward findings contain"'
    return failed(`the gate can't respond to findings by itself: ${error}`, fix)
  }
  return response.deadLetters > 0
    ? judgeDead(response, 'the automatic response', 'findings')
    : ok('the gate can respond to findings by itself')
}

function judgeDead({ name, deadLetters }: SinkStatus, shown: string, what: string): Outcome {
  return warning(
    `${shown} refused ${deadLetters} ${what} for good`,
    `look at why with "mediaward sinks", then run "mediaward sinks replay ${name} --dead"`,
  )
}

/** Returns why the last try failed. Undefined if it went well, or if there was none. */
function errorOf({ retryAt, lastError, lastSuccess }: SinkStatus): string | undefined {
  const isLast = lastError !== undefined && (lastSuccess === undefined || lastError.at > lastSuccess)
  return retryAt !== undefined || isLast ? (lastError?.message ?? 'it did not say why') : undefined
}

const timeOf = (time: number): string => new Date(time).toISOString()
