import { setTimeout as wait } from 'node:timers/promises'
import { member } from '../json.ts'
import { COMMAND, UsageError } from '../terminal.ts'
import { type Caller, DrillCalls } from './drill-calls.ts'
import { listFindings, releaseOf } from './findings-under-drill.ts'
import { undoLockdown } from './leftovers.ts'

/** A person of a drill. */
export interface Person extends Caller {
  /** The subject's id, as recordings are stamped with it. */
  readonly id: string
}

/** Names a subject in a message: an id of a person is no one's business. */
export const whoseOf = (index: number): string => `the ${['first', 'second', 'third'][index]} subject`

/** Whom a drill acts as. */
export interface Cast {
  readonly subjects: readonly [Person, Person, Person]
  /** A token with the role `recorder`. */
  readonly recorder: string
  /** A token with the role `security`. */
  readonly analyst: string
}

/** When an alert arrived, by the drill's own clock in milliseconds; undefined if none did in time. */
export type AlertArrival = (since: number, rules: readonly string[]) => Promise<number | undefined>

/** Findings, and when the last record of each was made. */
export type Findings = readonly { readonly id: string; readonly last: unknown; readonly finding: unknown }[]

/** An answer of the gate, and how many bytes of it came. */
export interface Played {
  readonly status: number
  readonly bytes: number
}

/** The release of 2020. */
const RELEASE = '4.12.0'
/** How long the drill waits for something that should come in a second, in milliseconds. */
const PATIENCE = 15_000
const LOOK_EVERY = 25
/** A lockdown of a drill ends by itself after so long, in milliseconds: the drill may be stopped before it undoes it. */
const FORGOTTEN = 300_000

/** Calls a gate as the apps and the analysts of a drill do. */
export class GateUnderDrill {
  readonly calls: DrillCalls

  constructor(url: URL) {
    this.calls = new DrillCalls(url, RELEASE)
  }

  /** The release of the app whose bug is rehearsed. */
  get release(): string {
    return this.calls.release
  }

  /**
   * Makes sure that the gate wants drills.
   *
   * @throws UsageError
   */
  async requireAllowed(analyst: string): Promise<void> {
    const answer = await this.calls.console('/console/api/drills', analyst)
    if (member(answer, 'drills') === 'allow') return
    throw new UsageError(
      'this gate refuses drills',
      'set DRILLS=allow in a staging deployment. A drill leaves recordings, records, findings and alerts behind',
    )
  }

  /** Rehearses with another build of the release if a drill was here before: the gate has found that one, and its patients. */
  async chooseRelease(analyst: string): Promise<void> {
    const findings = await listFindings(this.calls, analyst, 'all')
    if (findings.some(({ finding }) => releaseOf(finding) === RELEASE))
      this.calls.release = `${RELEASE}+${Date.now().toString(36)}`
  }

  /** Stores a recording for an owner. */
  async store(recording: string, owner: string, recorder: string, size: number): Promise<void> {
    const path = `/recordings/${recording}`
    const response = await this.calls.send(path, recorder, {
      method: 'PUT',
      headers: { 'Content-Type': 'video/mp4', 'Mediaward-Owner': owner },
      body: new Uint8Array(size),
    })
    await this.calls.requireGood(response, { whose: 'the recorder', token: recorder }, path)
    await response.body?.cancel()
  }

  /** Plays the beginning of a recording. */
  async play(recording: string, token: string): Promise<Played> {
    const response = await this.calls.send(`/recordings/${recording}`, token, {
      headers: { Range: 'bytes=0-65535' },
    })
    const isMedia = response.status === 200 || response.status === 206
    const { byteLength } = await response.arrayBuffer()
    return { status: response.status, bytes: isMedia ? byteLength : 0 }
  }

  /** Asks which of some recordings a subject may play, as an app does before it shows a list. Returns how many it may. */
  async list(recordings: readonly string[], person: Person): Promise<number> {
    const evaluations = recordings.map(recording => ({ resource: { type: 'recording', id: recording } }))
    const call = { subject: { type: 'user', id: person.id }, action: { name: 'play' }, evaluations }
    const answer = await this.calls.json('/access/v1/evaluations', person, call)
    const answers = member(answer, 'evaluations')
    if (!Array.isArray(answers)) throw new Error('the gate did not answer the list')
    return answers.filter(one => member(one, 'decision') === true).length
  }

  /** Says that the release is out. */
  async markRelease(analyst: string): Promise<void> {
    await this.calls.console('/console/api/releases', analyst, { release: this.release })
  }

  /** Returns when the last record of each finding of some rules was made, by the finding's id. */
  async findings(rules: readonly string[], analyst: string): Promise<Findings> {
    return (await listFindings(this.calls, analyst))
      .filter(({ finding }) => rules.some(rule => rule === member(finding, 'rule')))
      .map(({ id, finding }) => ({ id, last: member(finding, 'last_seen'), finding }))
  }

  /**
   * Resolves to when there is a finding that is meant, or a further record of one.
   *
   * @param before those that there were before the drill, whose people may have been in another drill
   */
  async finding(
    rules: readonly string[],
    analyst: string,
    isMeant: (finding: unknown) => boolean,
    before: Findings,
  ): Promise<number | undefined> {
    const wasThere = ({ id, last }: Findings[number]) =>
      before.some(one => one.id === id && one.last === last)
    for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
      const findings = await this.findings(rules, analyst)
      if (findings.some(one => !wasThere(one) && isMeant(one.finding))) return performance.now()
      await wait(LOOK_EVERY)
    }
    return undefined
  }

  /** Locks something down, and resolves to the number of the lockdown. */
  async lock(target: object, analyst: string): Promise<number> {
    const answer = await this.calls.console('/console/api/lockdowns/add', analyst, {
      ...target,
      reason: 'a drill',
      until: new Date(Date.now() + FORGOTTEN).toISOString(),
    })
    return Number(member(answer, 'epoch'))
  }

  async undo(epoch: number, analyst: string): Promise<void> {
    await undoLockdown(this.calls, analyst, epoch)
  }

  /** Resolves to when a recording is no longer played to its owner. */
  async refusedAt(recording: string, token: string): Promise<number | undefined> {
    for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
      if ((await this.play(recording, token)).status === 403) return performance.now()
      await wait(LOOK_EVERY)
    }
    return undefined
  }

  /** Reads a whole recording at a pace, in bytes a second, until it ends or is cut. */
  async stream(recording: string, token: string, pace: number): Promise<StreamUnderDrill> {
    const response = await this.calls.send(`/recordings/${recording}`, token)
    if (response.body === null || response.status !== 200) {
      throw new UsageError(
        `the stream of the drill did not begin: the gate answered ${response.status} to the owner`,
        response.status === 403
          ? `a lockdown may be in force: see "${COMMAND} lockdown list"`
          : `"${COMMAND} explain" says why`,
      )
    }
    const reader = response.body.getReader()
    const stream = {
      bytes: 0,
      last: performance.now(),
      isCut: false,
      isWhole: false,
      leave: () => void reader.cancel().catch(() => {}),
    }
    const over = (async () => {
      const begun = performance.now()
      try {
        for (;;) {
          const { done, value } = await reader.read()
          if (done) {
            stream.isWhole = true
            return
          }
          stream.bytes += value.length
          stream.last = performance.now()
          const ahead = (stream.bytes / pace) * 1000 - (stream.last - begun)
          if (ahead > 1) await wait(ahead)
        }
      } catch {
        stream.isCut = true
      }
    })()
    return Object.assign(stream, { over })
  }

  /** Returns how many bytes of some recordings the log says that anyone was sent. */
  async delivered(recordings: readonly string[], analyst: string): Promise<number> {
    let bytes = 0
    for (const recording of recordings) {
      for (const held of ['', '&held=true']) {
        const path = `/console/api/records?kind=delivery&recording=${recording}${held}`
        const lines = (await (await this.calls.send(path, analyst)).text())
          .split('\n')
          .filter(line => line !== '')
        for (const line of lines) bytes += Number(member(JSON.parse(line), 'bytes') ?? 0)
      }
    }
    return bytes
  }
}

/** A stream in flight. */
export interface StreamUnderDrill {
  readonly bytes: number
  /** When its last bytes came. */
  readonly last: number
  readonly isCut: boolean
  /** Whether all of it came. */
  readonly isWhole: boolean
  /** Resolves when it has ended. */
  readonly over: Promise<void>
  leave(): void
}
