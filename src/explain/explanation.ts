import { refuseHeader } from '../authenticate/access-token.ts'
import { flawsOfClaims } from '../authenticate/claims.ts'
import { type Reason, stageOf } from '../reason.ts'
import { answerTo } from '../refusal.ts'
import type { TokenFacts } from '../request-context.ts'
import { adviceFor } from './advice.ts'
import { COMPARISONS, type Compared, type Comparison } from './compared.ts'
import type { Advice } from './refused-token.ts'
import { quotedList } from './shown.ts'
import { STEPS, type StepName, stepOf } from './steps.ts'

/** How one step of the request's way went. */
export interface Step extends Comparison {
  readonly step: StepName
  /** `skip` if the gate doesn't get there, or if the step doesn't apply. */
  readonly outcome: 'pass' | 'fail' | 'skip'
}

/** Something that is wrong, and how to fix it. */
export interface Mistake {
  readonly reason: Reason
  readonly claim: string | undefined
  readonly found: string
  readonly fix: string
}

/** What would become of a request, and why. Holds no token. */
export interface Explanation {
  /** True if no recording was looked at, so that a permit is one of the token alone. */
  readonly offline: true | undefined
  readonly decision: 'permit' | 'deny'
  /** The status that the gate would answer: 200 for all that it permits. */
  readonly status: number
  readonly reason: Reason | undefined
  /** The issuer's entry that the token was compared with. */
  readonly entry: string | undefined
  readonly claim: string | undefined
  readonly steps: readonly Step[]
  /** First the one that the gate refuses for, if it is one; then those that come to light once that is fixed. */
  readonly mistakes: readonly Mistake[]
}

/** A refusal, or something else that is wrong with the token. */
export interface Flaw {
  readonly reason: Reason
  readonly facts: TokenFacts
}

/** What was tried, and what came of it. */
export interface Tried extends Compared {
  /** What the token is refused for without the scheme `DPoP`, if it came with that and without a proof. */
  readonly asBearer: Flaw | undefined
  /** Whether no recording was looked at. */
  readonly isOffline: boolean
}

/** Lays out what was tried: the verdict, each step of the request's way, and all that is wrong. */
export function layOut(tried: Tried, concealedStatus: 403 | 404): Explanation {
  const { refusal, facts, entry } = tried
  const flaws = refusal ? flawsOf(tried, { reason: refusal.reason, facts }) : []
  return {
    offline: tried.isOffline || undefined,
    decision: refusal ? 'deny' : 'permit',
    status: refusal ? answerTo(refusal.reason, { concealedStatus }).status : 200,
    reason: refusal?.reason,
    entry: entry?.name,
    claim: facts.claim,
    steps: stepsOf(tried, flaws),
    mistakes: flaws.flatMap(flaw => mistakeOf(flaw, tried)),
  }
}

/** Lists what is wrong: first what the gate refuses for, then what it would refuse for if that were fixed. */
function flawsOf(tried: Tried, refused: Flaw): readonly Flaw[] {
  const { entry, header, payload, at, isParsed, asBearer } = tried
  // That it is bound to a key is why it came so.
  if (asBearer !== undefined && asBearer.reason !== 'token_bound') {
    return [refused, ...flawsOf({ ...tried, asBearer: undefined }, asBearer)]
  }
  if (entry === undefined || !isParsed || !['token', 'proof'].includes(stageOf(refused.reason)))
    return [refused]
  const { issuer, name } = entry
  const ofHeader = refuseHeader({ header }, entry)
  const others = [
    ...(ofHeader === undefined ? [] : [{ reason: ofHeader.reason, facts: { entry: name } }]),
    ...flawsOfClaims(payload, entry, at).map(({ reason, facts }) => ({
      reason,
      facts: { ...facts, issuer, entry: name },
    })),
  ]
  const isOther = ({ reason, facts }: Flaw) =>
    reason !== refused.reason || facts.claim !== refused.facts.claim
  return [refused, ...others.filter(isOther)]
}

function stepsOf(tried: Tried, flaws: readonly Flaw[]): readonly Step[] {
  const failed = flaws.map(flaw => stepOfFlaw(flaw, tried))
  const refusedAt = STEPS.find(step => failed.includes(step))
  // The gate compares a place with the token's entry last, when the token is verified.
  const isLast = refusedAt === undefined || tried.refusal?.reason === 'token_place'
  const reached = isLast ? STEPS.length : STEPS.indexOf(refusedAt)
  return STEPS.map((step, index) => {
    const isReached = index < reached && applies(step, tried)
    const outcome = failed.includes(step) ? 'fail' : isReached ? 'pass' : 'skip'
    return { step, outcome, ...(isReadable(step, tried) && COMPARISONS[step]?.(tried)) }
  })
}

/** A role's absence is refused at the same stage as a recording of another owner. */
function stepOfFlaw({ reason, facts }: Flaw, { question, entry }: Tried): StepName {
  const isOfRole = question.role !== undefined && stageOf(reason) === 'policy'
  return isOfRole ? 'role' : stepOf(reason, facts, entry)
}

/** Whether there is anything to compare at a step. */
function isReadable(step: StepName, { isParsed, entry }: Tried): boolean {
  return (
    ['path', 'place', 'form', 'recording', 'owner'].includes(step) ||
    (isParsed && (entry !== undefined || step === 'issuer'))
  )
}

function applies(step: StepName, { question, entry, isOffline, isParsed }: Tried): boolean {
  const isOfPlaying = question.role === undefined && question.path !== undefined
  switch (step) {
    case 'path':
      return isOfPlaying
    case 'recording':
    case 'owner':
    case 'lockdown':
      return isOfPlaying && !isOffline
    case 'login':
      return !isOffline
    case 'role':
      return question.role !== undefined
    case 'place':
    case 'form':
      return true
    case 'tenant':
      return (entry?.tenant_claim ?? entry?.tenant) !== undefined
    case 'client':
      return entry?.clients !== undefined
    case 'required claims':
      return entry?.required_claims !== undefined
    default:
      return isParsed
  }
}

function mistakeOf({ reason, facts }: Flaw, tried: Tried): Mistake[] {
  const advice = reason === 'path_invalid' ? adviseOnPath(tried) : adviceFor({ ...tried, reason, facts })
  if (advice === undefined) return []
  const [found, fix] = advice
  return [{ reason, claim: facts.claim, found, fix }]
}

const adviseOnPath = ({ refusal, locations }: Tried): Advice => [
  refusal?.detail ?? "the path is at none of the gate's locations",
  `ask for a recording at ${quotedList(locations, 8) || 'the path that its app calls'}`,
]
