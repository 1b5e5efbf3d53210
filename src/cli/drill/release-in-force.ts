import { setTimeout as wait } from 'node:timers/promises'
import { member, parseJson, stringMember } from '../json.ts'
import { COMMAND, UsageError } from '../terminal.ts'
import type { DrillCalls } from './drill-calls.ts'
import { listFindings, releaseOf } from './findings-under-drill.ts'
import type { Cast, GateUnderDrill } from './gate-under-drill.ts'
import { listLockdowns } from './leftovers.ts'

/** The rule that finds a release to be the cause. It counts each person once in its window, in milliseconds. */
const SYSTEMIC = 'RG-003'
const WINDOW = 15 * 60_000
/** How long a record may take to be listed, in milliseconds. */
const PATIENCE = 10_000
const LOOK_EVERY = 50

/** The release that an incident is rehearsed with. */
export interface ReleaseInForce {
  /**
   * Whether the gate can find it to be the cause. It can't if it found the same release so shortly before that it doesn't count
   * the people of the drill as further ones.
   */
  readonly isFindable: boolean
}

/**
 * Has the drill use the release that the gate takes the subjects' requests for: a header names one, but a token may name another one
 * (`release_claim`), and then the gate looks at that alone.
 *
 * @param own a recording of each subject
 * @throws UsageError if the drill can't work with the tokens, or with what is locked down
 */
export async function settleRelease(
  gate: GateUnderDrill,
  { subjects, analyst }: Cast,
  own: readonly string[],
): Promise<ReleaseInForce> {
  const { calls } = gate
  const said: Said[] = []
  const refused: string[] = []
  for (const [i, subject] of subjects.entries()) {
    const recording = own[i] ?? ''
    if ((await gate.list([recording], subject)) !== 1) refused.push(subject.whose)
    said.push(await recorded(calls, recording, analyst))
  }
  const names = [...new Set(said.flatMap(({ release, isProven }) => (isProven ? (release ?? []) : [])))]
  if (names.length > 1) {
    throw new UsageError(
      `the tokens of the three subjects name different releases: ${names.join(', ')}`,
      'get all three from one release of the app (release_claim): the incident is one of a single release',
    )
  }
  if (said.some(({ release }) => release === undefined)) {
    throw new UsageError(
      'a token of a subject names a release that no record can hold',
      'it may have at most 32 letters, digits and "._+-" (release_claim)',
    )
  }
  const [proven] = names
  if (proven !== undefined) calls.release = proven
  await requireOpen(calls, analyst)
  if (refused.length > 0) {
    throw new UsageError(
      `the gate says that a recording of their own may not be played to ${refused.join(', ')}`,
      `no lockdown of them or their recordings may be in force: see "${COMMAND} lockdown list"`,
    )
  }
  const findings = await listFindings(calls, analyst, 'all')
  const isFindable = !findings.some(
    ({ finding }) =>
      member(finding, 'rule') === SYSTEMIC &&
      releaseOf(finding) === calls.release &&
      Number(member(finding, 'last_seen')) > Date.now() - WINDOW,
  )
  return { isFindable }
}

/** What a record says of the release of a request. */
interface Said {
  readonly release: string | undefined
  /** Whether the token names it. */
  readonly isProven: boolean
}

/** Resolves to what the record of a list says that holds a recording. */
async function recorded(calls: DrillCalls, recording: string, analyst: string): Promise<Said> {
  const path = '/console/api/records?kind=listed&order=newest&limit=100'
  for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
    const lines = (await (await calls.send(path, analyst)).text()).split('\n')
    const record = lines
      .map(parseJson)
      .find(one => JSON.stringify(member(one, 'answers') ?? '').includes(recording))
    if (record !== undefined) {
      const isProven = member(record, 'release_proven') === true
      return { release: stringMember(record, 'release'), isProven }
    }
    await wait(LOOK_EVERY)
  }
  throw new UsageError(
    'the analyst sees no record of what the subjects of the drill do',
    'the tokens of all must be of one tenant',
  )
}

/** @throws UsageError if the drill can't begin, because its stream would be refused */
async function requireOpen(calls: DrillCalls, analyst: string): Promise<void> {
  const shut = (await listLockdowns(calls, analyst)).find(
    ({ scope, value }) => scope === 'everything' || (scope === 'release' && value === calls.release),
  )
  if (shut === undefined) return
  throw new UsageError(
    `lockdown ${shut.epoch} is in force: ${[shut.scope, shut.value].join(' ').trim()}`,
    `a drill needs a gate that plays: "${COMMAND} lockdown undo ${shut.epoch} --reason …"`,
  )
}
