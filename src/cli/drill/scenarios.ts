import { setTimeout as wait } from 'node:timers/promises'
import { member } from '../json.ts'
import { say } from '../terminal.ts'
import type { AlertArrival, Cast, GateUnderDrill, StreamUnderDrill } from './gate-under-drill.ts'
import type { Leftovers } from './leftovers.ts'
import { settleRelease } from './release-in-force.ts'
import { between, type DrillResult, failuresOf, type Measured, Timeline } from './timeline.ts'

/** What a scenario works with. */
export interface Stage {
  readonly gate: GateUnderDrill
  readonly cast: Cast
  readonly alerted: AlertArrival
  readonly leftovers: Leftovers
}

/** Runs a scenario to its result. */
export type Scenario = (stage: Stage) => Promise<DrillResult>

/** How many recordings the list of 2020 had. */
const LISTED = 50
const SMALL = 64 * 1024
/** The recording in flight: above the size from which streams can be cut on every runtime. */
const LONG = 96 * 2 ** 20
/** How fast it is read, in bytes a second. */
const PACE = 16 * 2 ** 20
/** Names of drills that ran before must not be theirs that run now: a recording has one owner for good. */
const unique = (): string => Date.now().toString(36)

/** 2020: a release of the app shows three patients the lists of others, and one of them opens what she sees. */
export const babylon: Scenario = async ({ gate, cast, alerted, leftovers }) => {
  const { subjects, recorder, analyst } = cast
  const [first, second, third] = subjects
  const run = unique()
  const foreign = Array.from({ length: LISTED }, (_, i) => `drill-${run}-${String(i + 1).padStart(3, '0')}`)
  const own = `drill-${run}-own`
  const ownOfOthers = [`drill-${run}-first`, `drill-${run}-second`] as const
  const timeline = new Timeline()
  say(`Storing ${LISTED + 3} recordings …`)
  for (const recording of foreign) await gate.store(recording, `drill-owner-${run}`, recorder, SMALL)
  for (const [i, { id }] of [first, second].entries())
    await gate.store(ownOfOthers[i] ?? '', id, recorder, SMALL)
  await gate.store(own, third.id, recorder, LONG)
  const { isFindable } = await settleRelease(gate, cast, [...ownOfOthers, own])
  const { release } = gate
  const before = await gate.findings(['RG-001', 'RG-003', 'RG-005'], analyst)

  say(`Release ${release} shows three patients what is not theirs …`)
  await gate.markRelease(analyst)
  timeline.note(`release ${release} is out`)
  const stream = await gate.stream(own, third.token, PACE)
  timeline.note('a patient watches a recording of their own')
  timeline.begin()
  const permitted = await gate.list(foreign, first)
  const denied = performance.now()
  timeline.note(`the app asks for a list of ${LISTED}: ${permitted} of them may be shown`, denied)
  const alerting = awaited(alerted(denied, ['RG-001', 'RG-005']))
  // One of a list names no recording.
  const isOurs = (one: unknown) => member(one, 'rule') === 'RG-005' || JSON.stringify(one).includes(run)
  const finding = awaited(gate.finding(['RG-001', 'RG-005'], analyst, isOurs, before))
  const opened = await gate.play(foreign[0] ?? '', first.token)
  timeline.note(`the patient opens one all the same: ${opened.status}, ${opened.bytes} bytes`)
  const found = await finding
  if (found !== undefined) timeline.note('a finding', found)
  const alert = await alerting
  if (alert !== undefined) timeline.note('the alert arrives', alert)

  const others = [
    await gate.play(foreign[1] ?? '', second.token),
    await gate.play(foreign[2] ?? '', third.token),
  ]
  const repeated = performance.now()
  timeline.note('two more patients open what is not theirs', repeated)
  const isOfRelease = (one: unknown) => member(member(one, 'group'), 'release') === release
  const systemic = isFindable ? await gate.finding(['RG-003'], analyst, isOfRelease, before) : undefined
  if (!isFindable)
    timeline.note('that it is systemic was found less than 15 minutes ago: it is not measured again')
  if (systemic !== undefined)
    timeline.note('a finding: it is systemic, and the release is to blame', systemic)

  const target = { scope: 'release', value: release }
  const contained = await contain(timeline, { gate, cast, leftovers }, target, own, stream)
  const bytes = opened.bytes + others.reduce((sum, one) => sum + one.bytes, 0)
  const foreign_bytes = bytes + (await gate.delivered(foreign.slice(0, 3), analyst))
  const result = {
    foreign_bytes,
    denial_to_finding_ms: between(denied, found),
    denial_to_alert_ms: between(denied, alert),
    denial_to_systemic_ms: between(repeated, systemic),
    ...contained,
  }
  const failures = [
    ...(permitted === 0 ? [] : [`a list may show ${permitted} recordings of others`]),
    ...(foreign_bytes === 0 ? [] : [`${foreign_bytes} bytes of others' recordings were delivered`]),
    ...failuresOf(result),
    ...(systemic === undefined && isFindable ? ['it was not found that the release is to blame'] : []),
  ]
  return { drill: 'babylon', passed: failures.length === 0, failures, ...result, timeline: timeline.steps }
}

/** At so many recordings of one owner within an hour RG-021 finds something. */
const TOO_MANY = 6

/** The stamp itself is wrong: recordings of many are stored as one patient's, who may play them. What permits must be watched, too. */
export const wrongStamp: Scenario = async ({ gate, cast, alerted, leftovers }) => {
  const { subjects, recorder, analyst } = cast
  const [patient] = subjects
  const run = unique()
  const stamped = Array.from({ length: 10 }, (_, i) => `drill-${run}-${i + 1}`)
  const long = `drill-${run}-long`
  const timeline = new Timeline()
  const before = await gate.findings(['RG-021'], analyst)
  say('Storing recordings of many patients as those of one …')
  timeline.begin()
  const alerting = awaited(alerted(timeline.zero, ['RG-021']))
  const isOurs = (finding: unknown) => JSON.stringify(finding).includes(run)
  const finding = awaited(gate.finding(['RG-021'], analyst, isOurs, before))
  let enough = performance.now()
  for (const [i, recording] of stamped.entries()) {
    await gate.store(recording, patient.id, recorder, SMALL)
    if (i + 1 === TOO_MANY) enough = performance.now()
  }
  timeline.note(`${TOO_MANY} recordings are stamped with one patient`, enough)
  timeline.note(`${stamped.length} recordings are`)
  const found = await finding
  if (found !== undefined) timeline.note('a finding: too many recordings became theirs', found)
  const alert = await alerting
  if (alert !== undefined) timeline.note('the alert arrives', alert)
  await gate.store(long, patient.id, recorder, LONG)
  const stream = await gate.stream(long, patient.token, PACE)
  timeline.note('the patient plays one of them: the stamp says that it is theirs')
  const target = { scope: 'recording', value: long }
  const contained = await contain(timeline, { gate, cast, leftovers }, target, long, stream)
  const result = {
    // What a wrong stamp permits before someone looks can't be taken back: it is counted, and the gate is not to blame for it.
    foreign_bytes: stream.bytes,
    denial_to_finding_ms: between(enough, found),
    denial_to_alert_ms: between(enough, alert),
    denial_to_systemic_ms: null,
    ...contained,
  }
  const failures = failuresOf(result)
  return {
    drill: 'wrong-stamp',
    passed: failures.length === 0,
    failures,
    ...result,
    timeline: timeline.steps,
  }
}

/** Locks something down while a stream of it is in flight, measures how soon both new requests and the stream end, and undoes it. */
async function contain(
  timeline: Timeline,
  { gate, cast, leftovers }: Omit<Stage, 'alerted'>,
  target: { readonly scope: string; readonly value: string },
  recording: string,
  begun: StreamUnderDrill,
): Promise<Pick<Measured, 'lockdown_to_refusal_ms' | 'lockdown_to_last_byte_ms'>> {
  const { analyst, subjects } = cast
  const owner = recording.endsWith('-own') ? subjects[2] : subjects[0]
  // It ends by itself if something before took too long: what was late is a failure, and what comes now none.
  const stream = begun.isWhole ? await gate.stream(recording, owner.token, PACE) : begun
  const called = performance.now()
  const epoch = await gate.lock(target, analyst)
  leftovers.locked(epoch)
  try {
    timeline.note(`lockdown ${epoch}: ${target.scope} ${target.value}`, called)
    const refused = await gate.refusedAt(recording, owner.token)
    if (refused !== undefined) timeline.note('new requests are refused', refused)
    await Promise.race([stream.over, wait(10_000, undefined, { ref: false })])
    const { isCut, last } = stream
    stream.leave()
    if (isCut) timeline.note('the last byte in flight', last)
    return {
      lockdown_to_refusal_ms: between(called, refused),
      lockdown_to_last_byte_ms: isCut ? between(called, last) : null,
    }
  } finally {
    // A drill that fails must not leave a gate in staging shut.
    await gate.undo(epoch, analyst)
    leftovers.undone(epoch)
  }
}

/** Returns a promise whose failure is heard when it is waited for: until then, other things may fail first. */
function awaited<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {})
  return promise
}
