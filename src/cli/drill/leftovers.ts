import { setTimeout as wait } from 'node:timers/promises'
import { member, stringMember } from '../json.ts'
import { COMMAND, messageOf, say } from '../terminal.ts'
import type { DrillCalls } from './drill-calls.ts'
import { type ListedFinding, listFindings, namesDrill, namesIn, releaseOf } from './findings-under-drill.ts'

/** For so long nothing may have come up before a drill is over, in milliseconds: rules and the automatic response take up to a second. */
const SETTLED = 1_500
const LOOK_EVERY = 250
/** After so long it is over all the same, in milliseconds. */
const PATIENCE = 15_000
/** Who made a lockdown, if the gate did it by itself. */
const RULE = /^RG-\d+$/

/**
 * What a drill leaves behind at a gate that runs: findings that are open, which would absorb what the next drill has to find, and
 * lockdowns, its own and those that the gate made by itself for its findings.
 */
export class Leftovers {
  readonly #calls: DrillCalls
  readonly #analyst: string
  readonly #locked = new Set<number>()
  readonly #before = new Set<string>()

  constructor(calls: DrillCalls, analyst: string) {
    this.#calls = calls
    this.#analyst = analyst
  }

  /** Notes which findings there are before the drill. They are not the drill's only because they are about the same release. */
  async begin(): Promise<void> {
    for (const { id } of await listFindings(this.#calls, this.#analyst)) this.#before.add(id)
  }

  /** Notes a lockdown of the drill. */
  locked(epoch: number): void {
    this.#locked.add(epoch)
  }

  /** A lockdown of the drill was undone. */
  undone(epoch: number): void {
    this.#locked.delete(epoch)
  }

  /**
   * Closes the findings of drills as those of a test, and undoes their lockdowns, until no more come up. Says what it could not do.
   *
   * @returns whether nothing is left
   */
  async clear(): Promise<boolean> {
    try {
      const end = performance.now() + PATIENCE
      for (let until = performance.now() + SETTLED; performance.now() < Math.min(until, end); ) {
        // Closed first: the gate locks nothing down for a closed finding.
        const ours = await this.#closeFindings()
        if ((await this.#undoLockdowns(ours.all)) + ours.closed > 0) until = performance.now() + SETTLED
        await wait(LOOK_EVERY)
      }
      return true
    } catch (error) {
      say(
        `the findings and lockdowns of the drill could not all be ended (${messageOf(error)}): look at "${COMMAND} findings" and "${COMMAND} lockdown list"`,
      )
      return false
    }
  }

  async #closeFindings(): Promise<{ readonly all: ReadonlySet<string>; readonly closed: number }> {
    const listed = await listFindings(this.#calls, this.#analyst, 'all')
    const subjects = new Set(
      listed
        .filter(({ finding }) => namesDrill(finding))
        .flatMap(({ finding }) => namesIn(finding, 'subjects')),
    )
    const ours = listed.filter(one => this.#isOurs(one, subjects))
    const open = ours.filter(({ isClosed }) => !isClosed)
    for (const { id } of open) {
      const act = { id, action: 'close', verdict: 'test', text: 'a drill' }
      await this.#calls.console('/console/api/findings/act', this.#analyst, act)
    }
    return { all: new Set(ours.map(({ id }) => id)), closed: open.length }
  }

  #isOurs({ id, finding }: ListedFinding, subjects: ReadonlySet<unknown>): boolean {
    const isNewOfRelease = releaseOf(finding) === this.#calls.release && !this.#before.has(id)
    return (
      namesDrill(finding) ||
      isNewOfRelease ||
      namesIn(finding, 'subjects').some(subject => subjects.has(subject))
    )
  }

  /** Returns how many it undid. */
  async #undoLockdowns(findings: ReadonlySet<string>): Promise<number> {
    const ours = (await listLockdowns(this.#calls, this.#analyst)).filter(
      ({ epoch, by, finding = '' }) => this.#locked.has(epoch) || (RULE.test(by) && findings.has(finding)),
    )
    for (const { epoch, by } of ours) {
      await undoLockdown(this.#calls, this.#analyst, epoch)
      this.#locked.delete(epoch)
      if (RULE.test(by)) say(`Lockdown ${epoch}, which the gate made by itself for ${by}, is undone.`)
    }
    return ours.length
  }
}

/** A lockdown in force. */
export interface ListedLockdown {
  readonly epoch: number
  readonly scope: string
  readonly value: string | undefined
  /** A pseudonym, or the id of a rule. */
  readonly by: string
  readonly finding: string | undefined
}

/** Lists the lockdowns in force. */
export async function listLockdowns(calls: DrillCalls, analyst: string): Promise<readonly ListedLockdown[]> {
  const lockdowns = member(await calls.console('/console/api/lockdowns', analyst), 'lockdowns')
  return (Array.isArray(lockdowns) ? (lockdowns as readonly unknown[]) : []).map(one => ({
    epoch: Number(member(one, 'epoch')),
    scope: `${member(one, 'scope')}`,
    value: stringMember(one, 'value'),
    by: `${member(one, 'by')}`,
    finding: stringMember(one, 'finding'),
  }))
}

/** Undoes a lockdown. */
export async function undoLockdown(calls: DrillCalls, analyst: string, epoch: number): Promise<void> {
  await calls.console('/console/api/lockdowns/undo', analyst, { epoch, reason: 'the drill is over' })
}
