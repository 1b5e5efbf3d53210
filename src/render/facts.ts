import type { EventKind } from '../ledger/event.ts'
import { countIn } from '../ledger/query/amounts.ts'
import { isReason, type Reason, type Stage, stageOf } from '../reason.ts'
import type { LogEntry, RenderedEvent, Target } from './entry.ts'

/** What was done, or tried, in the words that all formats share. */
export type Activity = 'create' | 'read' | 'change' | 'delete' | 'other'

/** How much a record matters: 1 informational, 2 low, 3 medium, 4 high. */
export type Level = 1 | 2 | 3 | 4

/** What all formats say of a record. */
export interface Facts {
  /** When it happened, in milliseconds since 1970. */
  readonly time: number
  /** What happened, in a few words. */
  readonly title: string
  /** The title and the reason. */
  readonly message: string
  /** Kind of the record, and of a console record what was done there: `console.explain`. */
  readonly operation: string
  /** The reason of a refusal, otherwise the kind. */
  readonly code: string
  readonly activity: Activity
  readonly outcome: 'success' | 'failure' | 'unknown'
  readonly level: Level
  /** The stage that refused. */
  readonly stage: Stage | undefined
  readonly targets: readonly Target[]
  /** Pseudonyms of all people in the record, each once. */
  readonly people: readonly string[]
  /** How many refusals, or missing records, the record counts, if it counts any. */
  readonly count: number | undefined
}

/**
 * Title and activity of each kind; a refusal's activity is that of its method. A new kind needs one line here. A kind that
 * is not here is rendered with its own name and the activity `other`.
 */
const KINDS: Readonly<Record<EventKind, readonly [title: string, activity?: Activity]>> = {
  access: ['Request refused'],
  ticket: ['Ticket issued', 'create'],
  view: ['View began', 'read'],
  delivery: ['Bytes delivered', 'read'],
  listed: ['List asked about', 'read'],
  console: ['Console used', 'read'],
  binding: ['Recording bound to an owner', 'create'],
  lockdown: ['Lockdown changed', 'change'],
  release: ['Release of the app is out', 'change'],
  keys: ['Keys of an issuer changed', 'change'],
  heartbeat: ['Gate at work'],
  gap: ['Records missing'],
  finding: ['Finding'],
}

/** What is done by an action of a finding; the others change it. */
const FINDING_ACTIONS: Readonly<Record<string, Activity>> = { opened: 'create', suppressed: 'create' }

/** The level of each severity of a finding. */
const SEVERITIES: ReadonlyMap<unknown, Level> = new Map([
  ['info', 1],
  ['low', 2],
  ['medium', 3],
  ['high', 4],
  ['critical', 4],
])

const METHODS: Readonly<Record<string, Activity>> = {
  GET: 'read',
  HEAD: 'read',
  POST: 'create',
  PUT: 'create',
  PATCH: 'change',
  DELETE: 'delete',
}

/** Stages of refusals that ordinary clients cause: an old link, a token that was not sent, a broken upload. */
const LOW: readonly Stage[] = ['locate', 'credential', 'encoding', 'upload', 'body', 'question', 'query']
/** Reasons that ordinary clients cause at stages of which the others deserve a look. */
const LOW_REASONS: readonly Reason[] = ['token_expired', 'ticket_expired', 'doctor_busy']
/** Reasons of which one is already a bug or an attack. */
const HIGH_REASONS: readonly Reason[] = [
  'not_owner',
  'binding_conflict',
  'token_key_mismatch',
  'proof_replayed',
]

/** Returns what all formats say of a record. */
export function factsOf({ event }: LogEntry): Facts {
  const { kind, reason, decision, repeats, sum, count } = event
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind as EventKind] : undefined
  const title = titleOf(event, known?.[0])
  const targets = targetsOf(event)
  return {
    time: Date.parse(event.t),
    title,
    message: reason === undefined ? title : `${title}: ${reason}`,
    operation: event.action === undefined ? kind : `${kind}.${event.action}`,
    code: reason ?? ruleOf(event) ?? kind,
    activity: activityOf(event, known?.[1]),
    outcome: decision === undefined ? 'unknown' : decision === 'permit' ? 'success' : 'failure',
    level: Math.max(
      kind === 'gap' ? 4 : kind === 'finding' ? (SEVERITIES.get(event.severity) ?? 1) : levelOf(reason),
      ...targets.map(target => levelOf(target.reason)),
    ) as Level,
    stage: reason !== undefined && isReason(reason) ? stageOf(reason) : undefined,
    targets,
    people: [...new Set(peopleOf(event, targets))],
    count: countIn(repeats) ?? countIn(sum) ?? count,
  }
}

/** The rule of a finding. */
const ruleOf = ({ kind, rule }: RenderedEvent): string | undefined =>
  kind === 'finding' && typeof rule === 'string' ? rule : undefined

function titleOf(event: RenderedEvent, known: string | undefined): string {
  const { kind, action = 'changed' } = event
  if (kind !== 'finding') return known ?? `Record of the kind ${kind}`
  return `Finding ${action.replaceAll('_', ' ')}: ${ruleOf(event) ?? 'unknown'}`
}

function activityOf({ kind, action, asked, method }: RenderedEvent, known: Activity | undefined): Activity {
  if (kind === 'finding') return FINDING_ACTIONS[action ?? ''] ?? 'change'
  return known ?? (asked ? 'read' : METHODS[method ?? '']) ?? 'other'
}

function levelOf(reason: string | undefined): Level {
  if (reason === undefined) return 1
  // A reason that only a newer gate knows.
  if (!isReason(reason)) return 3
  if (HIGH_REASONS.includes(reason)) return 4
  return LOW_REASONS.includes(reason) || LOW.includes(stageOf(reason)) ? 2 : 3
}

function targetsOf({ recording, owner, answers, asked }: RenderedEvent): readonly Target[] {
  if (Array.isArray(answers)) return answers
  const one = recording === undefined ? [] : [{ recording, owner }]
  return [...one, ...(asked?.recordings ?? []).map(recording => ({ recording }))]
}

function peopleOf(event: RenderedEvent, targets: readonly Target[]): readonly string[] {
  const { subject, actor, prior_actors = [], owner, about, asked } = event
  const owners = targets.map(({ owner }) => owner)
  const people = [subject, actor, ...prior_actors, owner, about, ...owners, ...(asked?.subjects ?? [])]
  return people.filter(person => person !== undefined)
}
