import { Generations } from '../engine/generations.ts'
import { RecentSets } from '../engine/recent-sets.ts'
import { NONE, type Rule, type Sighting, type Tools, type Watcher } from '../engine/rule.ts'
import { stringOf, type WatchedEvent } from '../engine/watched-event.ts'
import { isForeign } from './foreign.ts'
import { foreignOf, type ListedForeign } from './lists.ts'

const MINUTE = 60_000
const WINDOW = 15 * MINUTE
const SUBJECTS = 2
/** A rate counts from so many foreign answers on, and is compared with a release that gave so many answers. */
const FOREIGN = 20
const COMPARED = 100
/** How much higher than the previous release's a rate must be. */
const TIMES = 5

/**
 * A release of an app that shows its users what isn't theirs: two of them are a pattern, and a rate far above that of the
 * previous release is one with a single user. Who asks for what belongs to another user of the same device isn't
 * counted.
 */
export const releaseRise: Rule = {
  ...{ id: 'RG-003', version: 1, severity: 'critical', canSuppress: true },
  title: "Systemic: users of one release of the app ask for others' recordings",
  kinds: ['access', 'listed', 'ticket', 'view'],
  group: ['release'],
  ...{ window: WINDOW, threshold: SUBJECTS },
  start: tools => new Releases(tools),
}

class Releases implements Watcher {
  readonly #hash: Tools['hash']
  readonly #households: Tools['households']
  readonly #subjects = new RecentSets(WINDOW, 10, 500)
  /** Those of them whose token proves the release, in one tenant: what happens in another must not freeze it there. */
  readonly #proven = new RecentSets(WINDOW, SUBJECTS, 500)
  /** Who asked only for what belongs to another user of the same device. */
  readonly #excused = new RecentSets(WINDOW, 50, 500)
  // Anyone can send a header with another release: there is room for those that have traffic.
  readonly #rates = new Generations<string, Rate>(100)

  constructor({ hash, households }: Tools) {
    this.#hash = hash
    this.#households = households
  }

  look(event: WatchedEvent): readonly Sighting[] {
    const { release } = event
    if (release === undefined) return NONE
    const { all, foreign, isFiltered } = amountOf(event)
    const rate = this.#rates.get(release) ?? new Rate()
    this.#rates.set(release, rate)
    const isExpected = isFiltered || this.#isExcused(event, release)
    rate.add(event.time, all, isExpected ? 0 : foreign)
    if (foreign === 0 || isExpected) return NONE
    const { count, proven } = this.#count(event, release)
    if (count >= SUBJECTS) {
      // A header can name any release, and must not have one frozen that others use.
      const clear = proven >= SUBJECTS ? { mayBlock: true as const } : {}
      return [{ group: { release }, count, ...clear }]
    }
    const high = this.#high(release, rate, event.time)
    return high === 0 ? NONE : [{ group: { release }, severity: 'high', count: high }]
  }

  /** How many subjects the release has with this one, and how many of them are proven; 0 if the subject is no further one. */
  #count(event: WatchedEvent, release: string): { readonly count: number; readonly proven: number } {
    const { subject, tenant, time, kind, said, isProven } = event
    // An app that asks for its user is not who would see the list.
    const who = (kind === 'listed' ? stringOf(said.about) : undefined) ?? subject
    if (who === undefined) return { count: 0, proven: 0 }
    const group = this.#hash.long(release)
    const name = this.#hash.short(who)
    const own = this.#hash.long(`${tenant} ${release}`)
    const proven = isProven ? this.#proven.add(own, name, time).count : 0
    const { count, isNew } = this.#subjects.add(group, name, time)
    return { count: isNew ? count : 0, proven }
  }

  /**
   * Whether a foreign recording is that of another user of the device. It is none if that user is misled, too: then each sees
   * what is the other's, and both count.
   */
  #isExcused(event: WatchedEvent, release: string): boolean {
    const { subject, owner, time } = event
    if (subject === undefined || owner === undefined || owner === subject) return false
    if (!isForeign(event.reason) || !this.#households.isOf(event)) return false
    const group = this.#hash.long(release)
    const other = this.#hash.short(owner)
    if (this.#excused.has(group, other, time)) this.#subjects.add(group, other, time)
    if (this.#subjects.has(group, other, time)) return false
    this.#excused.add(group, this.#hash.short(subject), time)
    return true
  }

  /** How many foreign answers a release gave, if its rate is far above that of the other one with the most traffic; else 0. */
  #high(release: string, rate: Rate, time: number): number {
    const here = rate.at(time)
    // Said once a minute.
    if (here.foreign < FOREIGN || time - rate.said < MINUTE) return 0
    let previous = { all: 0, foreign: 0 }
    for (const [name, other] of this.#rates.entries()) {
      const there = other.at(time)
      if (name !== release && there.all > previous.all) previous = there
    }
    // One more, so that a release without any is no reason to call each one systemic.
    const isHigh =
      previous.all >= COMPARED &&
      here.foreign / here.all > (TIMES * (previous.foreign + 1)) / (previous.all + 1)
    if (!isHigh) return 0
    rate.said = time
    return here.foreign
  }
}

/** Answers of a release, by minute. */
class Rate {
  said = 0
  readonly #minutes: { minute: number; all: number; foreign: number }[] = []

  add(time: number, all: number, foreign: number): void {
    const minute = Math.floor(time / MINUTE)
    let last = this.#minutes.at(-1)
    // A record that waited in a spool doesn't count for its own minute: it is over.
    if (last === undefined || last.minute < minute) {
      last = { minute, all: 0, foreign: 0 }
      this.#minutes.push(last)
      if (this.#minutes.length > WINDOW / MINUTE) this.#minutes.shift()
    } else if (last.minute > minute) return
    last.all += all
    last.foreign += foreign
  }

  /** What there was in the window before a time. */
  at(time: number): { all: number; foreign: number } {
    const sum = { all: 0, foreign: 0 }
    const since = (time - WINDOW) / MINUTE
    for (const { minute, all, foreign } of this.#minutes) {
      if (minute <= since) continue
      sum.all += all
      sum.foreign += foreign
    }
    return sum
  }
}

/** How many answers a record is about, and how many of them are about what is another's. */
function amountOf(event: WatchedEvent): Pick<ListedForeign, 'all' | 'foreign' | 'isFiltered'> {
  const { kind, reason, refusals } = event
  if (kind === 'listed') return foreignOf(event)
  const all = kind === 'access' ? refusals : 1
  return { all, foreign: kind === 'access' && isForeign(reason) ? refusals : 0, isFiltered: false }
}
