import { type Actor, nameSpaceOf, type Subject } from '../authorize/subject.ts'
import type { Pseudonyms } from '../ledger/pseudonym.ts'
import type { Concerned } from './restrictions.ts'

/** The pseudonyms of a caller under every key, as restrictions name it. */
export type Identity = Pick<Concerned, 'subjects' | 'actors' | 'sessions' | 'tokens'>

/** A subject that someone asks about, or that asks. */
export type Identified = Pick<Subject, 'id' | 'issuer' | 'entry' | 'owns'> &
  Partial<Pick<Subject, 'session' | 'token' | 'actor'>>

/** Returns the name spaces in which people of an issuer have pseudonyms. */
export type SpacesOf = (issuer: string) => readonly string[]

/** Of a caller whom nothing in force can be about. */
export const NO_IDENTITY: Identity = { subjects: [], actors: [], sessions: [], tokens: [] }

/** Finds the pseudonyms of callers. The subject of a token or ticket is one object for as long as that is remembered. */
export class Identities {
  readonly #pseudonyms: Pseudonyms
  readonly #spacesOf: SpacesOf
  readonly #known = new WeakMap<Identified, Identity>()

  constructor(pseudonyms: Pseudonyms, spacesOf: SpacesOf) {
    this.#pseudonyms = pseudonyms
    this.#spacesOf = spacesOf
  }

  /** Returns all pseudonyms that a person can have: under every key, and in each name space of the issuer. */
  async everyNameOf({ id, issuer }: Pick<Subject, 'id' | 'issuer'>): Promise<readonly string[]> {
    const names = this.#spacesOf(issuer).map(space => this.#pseudonyms('subject', space, id))
    return (await Promise.all(names)).flat()
  }

  /** Returns the pseudonyms of a subject: at once if they are known. */
  of(subject: Identified): Identity | Promise<Identity> {
    return this.#known.get(subject) ?? this.#find(subject)
  }

  async #find(subject: Identified): Promise<Identity> {
    const { id, issuer, session, token, actor } = subject
    const name = this.#pseudonyms
    const [subjects, actors, sessions, tokens] = await Promise.all([
      name('subject', nameSpaceOf(subject), id),
      // The log names an actor in its issuer, and as a subject perhaps in an entry whose subjects own nothing.
      Promise.all(chainOf(actor).map(one => this.everyNameOf(one))),
      session === undefined ? [] : name('session', issuer, session),
      token === undefined ? [] : name('token', issuer, token),
    ])
    const identity = { subjects, actors: actors.flat(), sessions, tokens }
    this.#known.set(subject, identity)
    return identity
  }
}

const chainOf = (actor: Actor | undefined): readonly Actor[] =>
  actor === undefined ? [] : [actor, ...chainOf(actor.actor)]
