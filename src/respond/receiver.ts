import { shownFault } from '../base/storage-fault.ts'
import type { Control } from '../control/control.ts'
import type { NewRestriction } from '../control/restriction.ts'
import { DeliveryFailure } from '../follow/delivery.ts'
import type { FindingFacts } from '../ledger/facts/finding-facts.ts'
import type { ReadEntry } from '../ledger/ledger.ts'
import { parseEvent } from '../ledger/query/terms.ts'
import type { FollowedSink } from '../sinks/receiver.ts'
import { sendEach } from '../sinks/webhook.ts'
import type { Finding } from '../watch/finding.ts'
import type { FindingControl } from '../watch/finding-control.ts'
import type { RespondedRule } from '../watch/findings/clear.ts'
import { restrictionFor } from './restriction.ts'

/** What the automatic response works with. */
export interface ResponseServices {
  readonly control: Pick<Control, 'addOnce' | 'list'>
  readonly findings: Pick<FindingControl, 'show' | 'act' | 'list'>
  readonly now: () => number
}

/** What the response is called among those that follow the log. */
export const RESPONSE = 'response'

/** A release is frozen at most once in so many milliseconds, even if an analyst has undone it. */
const BETWEEN_FREEZES = 3_600_000
/** As long as a finding can absorb anything, in milliseconds. */
const LONGEST = 25 * 3_600_000
/** A finding that was responded to is remembered for so long, in milliseconds: a record may come again much later. */
const REMEMBERED = 90 * 24 * 3_600_000
/** Findings of a rule that are looked at. */
const MOST = 500

/**
 * Has the gate respond to findings by itself: it follows the log, and locks down what a clear finding is about. After a crash the
 * same record may come again. What was done is found then, by the finding that every lockdown of it names, and what an analyst has
 * undone since is not done again.
 *
 * @param rules the rules to whose findings it responds
 */
export function followedResponse(rules: readonly RespondedRule[], services: ResponseServices): FollowedSink {
  return {
    name: RESPONSE,
    type: RESPONSE,
    receiver: {
      name: RESPONSE,
      most: 20,
      collect: 0,

      select(read) {
        const { kind, finding, rule, may_respond } = parseEvent(read.json) as unknown as FindingFacts
        const isFinding = kind === 'finding' && finding !== undefined && may_respond === true
        return isFinding && rules.some(one => one === rule) ? read : undefined
      },

      deliver: entries =>
        sendEach(entries, services.now, one =>
          respond(one, services).catch((error: unknown) => {
            throw new DeliveryFailure('unavailable', shownFault(error) ?? 'nothing could be locked down')
          }),
        ),
    },
  }
}

async function respond({ json }: ReadEntry, { control, findings, now }: ResponseServices): Promise<void> {
  // A record that tests the follower names no finding.
  const { finding: id } = parseEvent(json) as Partial<FindingFacts>
  const finding = id === undefined ? undefined : (await findings.show(id))?.finding
  if (finding === undefined || !isToBeContained(finding)) return
  const before = (await control.list()).find(one => one.finding === finding.id)
  const restriction = restrictionFor(finding, now())
  if (before === undefined && restriction === undefined) return
  if (before === undefined && restriction?.scope === 'release' && (await hasFrozen(findings, now()))) return
  const epoch = before?.epoch ?? (restriction && (await lockDown(restriction, control)))
  // An analyst may have closed it by now. The lockdown names it all the same.
  if (epoch !== undefined) await findings.act(finding.id, { action: 'contain', by: finding.rule, epoch })
}

/** Locks down what a finding is about, the first time that it is asked to. Resolves to the epoch. */
async function lockDown(
  restriction: NewRestriction,
  control: ResponseServices['control'],
): Promise<number | undefined> {
  const once = { key: `finding:${restriction.finding}`, until: restriction.at + REMEMBERED }
  const { epochs } = await control.addOnce([restriction], once)
  return epochs[0]
}

/** An analyst who closed or suppressed it, or undid a lockdown of it, is not overruled. */
function isToBeContained({ state, may_respond, suppressed_by, dry_run, contained }: Finding): boolean {
  const isHeard = suppressed_by === undefined && dry_run !== true
  return isHeard && state !== 'closed' && may_respond === true && contained === undefined
}

/** Returns whether a release was frozen in the last hour. */
async function hasFrozen(findings: Pick<FindingControl, 'list'>, now: number): Promise<boolean> {
  const page = await findings.list({ rule: 'RG-003', state: 'all', since: now - LONGEST, limit: MOST })
  return page.findings.some(
    ({ contained }) => contained !== undefined && contained.at > now - BETWEEN_FREEZES,
  )
}
