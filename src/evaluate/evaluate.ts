import { authorize } from '../authorize/authorize.ts'
import type { Subject } from '../authorize/subject.ts'
import { present } from '../base/present.ts'
import { readJson } from '../http/read-json.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { responseHeaders } from '../http/response-headers.ts'
import type { Pseudonym } from '../ledger/pseudonym.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { type Answer, type DecideServices, decide, ROUND } from './decide.ts'
import { recordListed } from './listed.ts'
import { type AskableIssuers, askedIn, type Call, isSame, readCall } from './questions.ts'

/** Most bytes of a call. */
const MAX_BODY = 1_048_576
/** Most subjects that one call may ask about: each has a record of its own. */
const MAX_SUBJECTS = 16

/** What evaluating takes beside the request. */
export interface EvaluationServices extends DecideServices {
  readonly issuers: AskableIssuers
  readonly record: Recorder
  readonly pseudonym: Pseudonym
  readonly bodyTimeouts: Required<BodyTimeouts>
}

/**
 * Answers whether a subject may play some recordings, before an app shows a list of them (AuthZEN Authorization API
 * 1.0). What was answered is on record before it leaves, and a false doesn't say why.
 */
export async function evaluate(
  context: RequestContext,
  list: boolean,
  subject: Subject,
  services: EvaluationServices,
): Promise<Response | Refusal> {
  const { bodyTimeouts, issuers, record, pseudonym } = services
  const body = await readJson(context.request, {
    most: MAX_BODY,
    invalid: 'question_invalid',
    timeout: bodyTimeouts.json,
  })
  if (body instanceof Refusal) return body
  // Whatever becomes of the call: a refusal's record names whom and what it asked about.
  context.asked = askedIn(body.json, list, issuers, subject)
  const call = readCall(body.json, list, issuers, subject)
  if (call instanceof Refusal) return call
  const refusal = mayAsk(call, subject)
  if (refusal !== undefined) return refusal

  const answers = await decide(call, subject, context, services)
  const { mode } = call
  await recordListed(context, answers, subject, { record, pseudonym, ...present({ mode }) }).catch(
    Fault.as('ledger_unavailable'),
  )
  // An answer that took so many rounds of looking up leaves in a slot of that size.
  await context.nextTimingSlot(Math.ceil(answers.length / ROUND))
  const decisions = answers.map(decisionOf)
  return Response.json(call.several ? { evaluations: decisions } : decisions[0], {
    headers: responseHeaders(),
  })
}

/**
 * Refuses a caller that asks about another subject than its own, unless it is an app. Refuses the whole call instead of
 * answering false to each question: AuthZEN keeps what a caller may do at all (10.1.2, by status) apart from decisions
 * (200), and a false would go on record as something that was shown. Nothing has been looked up by then.
 */
function mayAsk({ questions }: Call, subject: Subject): Refusal | undefined {
  const others = questions.flatMap(({ about }) =>
    about === undefined || isSame(about, subject) ? [] : [JSON.stringify([about.issuer, about.id])],
  )
  if (others.length === 0) return undefined
  const decision = authorize({ subject, action: 'list' })
  if (decision instanceof Refusal) return decision
  return new Set(others).size > MAX_SUBJECTS
    ? new Refusal(
        'question_invalid',
        `A call may be about at most ${MAX_SUBJECTS} subjects: make several calls`,
      )
    : undefined
}

/** What is wrong with a question follows from the question alone, so the caller may know it, and nothing else. */
function decisionOf({ permit, flaw }: Answer): object {
  return flaw === undefined
    ? { decision: permit }
    : { decision: false, context: { error: { status: 400, message: flaw } } }
}
