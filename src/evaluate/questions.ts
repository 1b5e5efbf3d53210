import type { TrustedIssuers } from '../authenticate/trusted-issuers.ts'
import type { Subject } from '../authorize/subject.ts'
import { isObject } from '../base/json.ts'
import { isRecording } from '../locate/names.ts'
import { Refusal } from '../refusal.ts'
import type { AskedAbout } from '../request-context.ts'

/** Most questions in one call. */
export const MAX_QUESTIONS = 1000
/** Longest id of a subject, in characters: no token and no stamp names a longer one. */
const MAX_SUBJECT_ID = 255

/** The issuers whose subjects a question can be about. */
export type AskableIssuers = Pick<TrustedIssuers, 'names' | 'owning' | 'ownerId'>

/** The subject that a question is about. */
export type Asked = Pick<Subject, 'id' | 'issuer' | 'entry' | 'owns'>

/** Returns whether a question is about the caller itself. */
export const isSame = (about: Asked, { id, issuer }: Subject): boolean =>
  about.id === id && about.issuer === issuer

/** May this subject play this recording? */
export interface Question {
  /** Undefined if the question is about no user. */
  readonly about: Asked | undefined
  /** Undefined if it can't be about a recording, or is about another action than playing one. */
  readonly recording: string | undefined
  /** What is wrong with the question, and how to fix it. It is answered with false, and nothing is looked up for it. */
  readonly flaw?: string
}

/** What a call asks. */
export interface Call {
  /** Whether the answer is a list. */
  readonly several: boolean
  readonly questions: readonly Question[]
  /** The decision after which nothing more is evaluated; undefined if all questions are. */
  readonly until: boolean | undefined
  /** `filter` if the app shows only what it is permitted, and so expects some refusals (`context.mode`). */
  readonly mode?: 'filter'
}

type Members = Readonly<Record<string, unknown>>

const SEMANTICS: ReadonlyMap<unknown, boolean | undefined> = new Map<unknown, boolean | undefined>([
  ['execute_all', undefined],
  ['deny_on_first_deny', false],
  ['permit_on_first_permit', true],
])

/**
 * Narrows the JSON of a call (AuthZEN Authorization API 1.0, 6.1 and 7.1). Ignores unknown members (10.1.1). Known ones
 * must have the right type.
 *
 * @param list whether the call may hold several questions
 * @param issuers those that are trusted
 * @param own the caller. Its issuer is that of a subject without one
 * @returns a refusal if nothing of the call can be answered
 */
export function readCall(
  json: unknown,
  list: boolean,
  issuers: AskableIssuers,
  own: Subject,
): Call | Refusal {
  if (!isObject(json)) return invalid('The body must be a JSON object with subject, action and resource')
  const { evaluations, options = {} } = json
  // 7.1: without questions of its own, or with none in the list, a call is a single question.
  if (!list || evaluations === undefined || (Array.isArray(evaluations) && evaluations.length === 0)) {
    const question = readQuestion(json, issuers, own)
    if (question.flaw !== undefined) return invalid(question.flaw)
    return { several: false, questions: [question], until: undefined, ...modeOf(json) }
  }
  if (!Array.isArray(evaluations)) return invalid('evaluations must be a list of objects')
  if (evaluations.length > MAX_QUESTIONS) {
    return invalid(
      `evaluations holds ${evaluations.length} questions: ask at most ${MAX_QUESTIONS} in one call`,
    )
  }
  if (!isObject(options)) return invalid('options must be an object')
  const { evaluations_semantic: semantic = 'execute_all' } = options
  if (!SEMANTICS.has(semantic)) {
    return invalid(`options.evaluations_semantic must be one of ${[...SEMANTICS.keys()].join(', ')}`)
  }
  // Not all of the call is a default: work for each question must not grow with what else the call holds.
  const { subject, action, resource, context = {} } = json
  const defaults = { subject, action, resource, context }
  const questions = evaluations.map((item: unknown, index) => {
    const question = isObject(item)
      ? readQuestion(item, issuers, own, defaults)
      : flawed('it must be an object')
    const { flaw } = question
    return flaw === undefined ? question : flawed(`evaluations[${index}]: ${flaw}`)
  })
  // One bad question among good ones is answered with false (7.2.1); if there is no good one, the call is bad.
  const [first] = questions
  if (first?.flaw !== undefined && questions.every(({ flaw }) => flaw !== undefined)) {
    return invalid(first.flaw)
  }
  return { several: true, questions, until: SEMANTICS.get(semantic), ...modeOf(json) }
}

const modeOf = ({ context }: Members): Pick<Call, 'mode'> =>
  membersOf(context).mode === 'filter' ? { mode: 'filter' } : {}

function readQuestion(
  members: Members,
  issuers: AskableIssuers,
  own: Subject,
  defaults: Members = { context: {} },
): Question {
  const {
    subject = defaults.subject,
    action = defaults.action,
    resource = defaults.resource,
    context = defaults.context,
  } = members
  const { type, id, properties = {} } = membersOf(subject)
  const { name } = membersOf(action)
  const { type: kind, id: recording } = membersOf(resource)
  if (!isString(type) || !isString(id))
    return flawed('subject must be an object with the strings type and id')
  if (id.length > MAX_SUBJECT_ID) return flawed(`subject.id must have at most ${MAX_SUBJECT_ID} characters`)
  if (!isObject(properties)) return flawed('subject.properties must be an object')
  if (!isString(name)) return flawed('action must be an object with the string name')
  if (!isString(kind) || !isString(recording))
    return flawed('resource must be an object with the strings type and id')
  if (!isObject(context)) return flawed('context must be an object')
  const { issuer = own.issuer } = properties
  // A recording may be stamped with any issuer: an answer must be about a subject that could ask for the recording.
  if (!isString(issuer) || !issuers.names.has(issuer)) {
    return flawed('subject.properties.issuer must be one of the issuers that the gate trusts')
  }
  const plays = name === 'play' && kind === 'recording' && isRecording(recording)
  const about = userIn(subject, issuers, own)
  return { about, recording: plays && about !== undefined ? recording : undefined }
}

/** Most subjects and recordings that the record of a refused call names: with 128 characters each they fit it. */
const MAX_NAMED = { subjects: 16, recordings: 256 }

/**
 * Returns whom and what a call asks about, as far as it can be read, whether it is answered or not. Names only what can
 * be a subject of a trusted issuer or the id of a recording, and nothing else that a caller sends.
 */
export function askedIn(json: unknown, list: boolean, issuers: AskableIssuers, own: Subject): AskedAbout {
  const call = membersOf(json)
  const items: readonly unknown[] =
    list && Array.isArray(call.evaluations) && call.evaluations.length > 0 ? call.evaluations : [{}]
  const subjects = new Map<string, Asked>()
  const recordings = new Set<string>()
  for (const item of items.slice(0, MAX_QUESTIONS)) {
    const { subject = call.subject, resource = call.resource } = membersOf(item)
    const about = userIn(subject, issuers, own)
    if (about !== undefined && subjects.size < MAX_NAMED.subjects)
      subjects.set(JSON.stringify([about.issuer, about.id]), about)
    const { type, id } = membersOf(resource)
    if (type === 'recording' && isString(id) && isRecording(id) && recordings.size < MAX_NAMED.recordings)
      recordings.add(id)
  }
  return { questions: items.length, subjects: [...subjects.values()], recordings: [...recordings] }
}

function userIn(subject: unknown, issuers: AskableIssuers, own: Subject): Asked | undefined {
  const { type, id: named, properties } = membersOf(subject)
  const { issuer = own.issuer } = membersOf(properties)
  if (type !== 'user' || !isString(named) || named === '' || named.length > MAX_SUBJECT_ID) return undefined
  if (!isString(issuer) || !issuers.names.has(issuer)) return undefined
  const id = issuers.ownerId(issuer, named)
  // A caller that owns nothing must not be answered as the patient who has its id.
  const { entry, owns } = id === own.id && issuer === own.issuer ? own : {}
  const ownsNothing = owns === false || !issuers.owning.has(issuer)
  return { id, issuer, ...(entry !== undefined && { entry }), ...(ownsNothing && { owns: false }) }
}

const invalid = (detail: string): Refusal => new Refusal('question_invalid', detail)
const flawed = (flaw: string): Question => ({ about: undefined, recording: undefined, flaw })
const isString = (value: unknown): value is string => typeof value === 'string'
const membersOf = (value: unknown): Members => (isObject(value) ? value : {})
