import { authorizeWhole } from '../authorize/authorize.ts'
import type { Subject } from '../authorize/subject.ts'
import { present } from '../base/present.ts'
import type { Containment } from '../control/containment.ts'
import { releaseOf } from '../ledger/head.ts'
import type { Reason } from '../reason.ts'
import { stampsAt } from '../recordings/claims.ts'
import type { Owners } from '../recordings/owner-source.ts'
import type { Ownership } from '../recordings/recording.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { type Call, isSame, type Question } from './questions.ts'

/** What deciding takes beside the call. */
export interface DecideServices {
  readonly store: RecordingStore
  readonly owners: Owners
  readonly containment: Containment
  /** Where the objects of a recording can be. */
  readonly keyPrefixes: (recording: string) => readonly string[]
}

/** The answer to a question, and why. */
export interface Answer extends Question {
  readonly permit: boolean
  readonly reason?: Reason | undefined
  /** Whose the recording is, if it exists. */
  readonly ownership?: Ownership | undefined
}

/** Questions whose recordings are looked up at once. */
export const ROUND = 16

/**
 * Answers the questions of a call in their order, as far as it wants them answered. Each recording is looked up once
 * in a call, so that all that is said of it is said of one moment.
 *
 * @throws Fault if one of them can't be looked up: a list with a hole in it would be taken for the list
 */
export async function decide(
  call: Call,
  asker: Subject,
  context: RequestContext,
  services: DecideServices,
): Promise<readonly Answer[]> {
  const known = new Map<string, readonly Ownership[]>()
  const answers: Answer[] = []
  for (let start = 0; start < call.questions.length; start += ROUND) {
    const round = call.questions.slice(start, start + ROUND)
    const unknown = new Set(
      round.flatMap(({ recording }) => (recording === undefined || known.has(recording) ? [] : recording)),
    )
    await Promise.all(
      [...unknown].map(async recording => {
        const keyPrefixes = services.keyPrefixes(recording)
        const [key = ''] = keyPrefixes
        const stamps = await stampsAt(services.store, keyPrefixes).catch(Fault.as('store_unavailable'))
        known.set(recording, await services.owners.of({ recording, key }, stamps))
      }),
    )
    for (const question of round) {
      const answer = await unlessLocked(answerQuestion(question, asker, known), asker, context, services)
      answers.push(answer)
      if (answer.permit === call.until) return answers
    }
  }
  return answers
}

/** Answers what is locked down as it is answered when it is asked for. */
async function unlessLocked(
  answer: Answer,
  asker: Subject,
  context: RequestContext,
  { containment }: DecideServices,
): Promise<Answer> {
  const { permit, about, recording, ownership } = answer
  if (!permit || about === undefined) return answer
  const what = { recording, tenant: ownership?.tenant, release: releaseOf(context) }
  // About itself a caller asks with its own session and token. An app that is locked down lists nothing for others, either.
  const other = isSame(about, asker) ? [] : [{ ...about, ...present({ tenant: asker.tenant }) }]
  for (const subject of [asker, ...other]) {
    const locked = await containment.refuseLocked({ subject, ...what }, 'play', context.waitUntil)
    if (locked !== undefined) return { ...answer, permit: false, reason: locked.reason }
  }
  return answer
}

function answerQuestion(
  question: Question,
  asker: Subject,
  known: ReadonlyMap<string, readonly Ownership[]>,
): Answer {
  const { about, recording } = question
  if (about === undefined || recording === undefined) return { ...question, permit: false }
  // The tenant is that of the caller's token: no caller asks across tenants.
  const { tenant } = asker
  const subject = { ...about, roles: [], ...(tenant !== undefined && { tenant }) }
  const { decision, ownership } = authorizeWhole(subject, known.get(recording) ?? [])
  const reason = decision instanceof Refusal ? decision.reason : undefined
  return { ...question, permit: reason === undefined, reason, ownership: ownership ?? undefined }
}
