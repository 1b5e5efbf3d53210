import type { Sent, SigningKey } from './token.ts'

/** What a caller does at the gate. */
export type Actor = 'patient' | 'recorder' | 'analyst'

/** An entry of `ISSUERS` as its JSON has it. */
export type JsonEntry = Readonly<Record<string, unknown>>

/** The tokens of an identity provider, and what goes wrong with them. */
export interface Provider extends Readonly<Partial<Record<Actor, Sent>>> {
  /** Its key sets, by their URLs. */
  readonly keys: Readonly<Record<string, readonly SigningKey[]>>
  /** Whom the recorder names as the owner: the patient, as its tokens call them. */
  readonly owner: string
  readonly patient: Sent
  /** What the table says of an actor's mark. */
  readonly notes?: Readonly<Partial<Record<Actor, string>>>
  /** What an operator would try if the page has no recipe. */
  readonly attempt?: readonly JsonEntry[]
  /** The mistakes, as the page words them. */
  readonly mistakes: Readonly<Record<string, Mistake>>
}

/** What differs from the recipe. */
export interface Mistake {
  readonly entries?: (entries: readonly JsonEntry[]) => readonly JsonEntry[]
  /** @defaultValue the token of `by` */
  readonly sent?: Sent
  /** @defaultValue `patient` */
  readonly by?: Actor
  /** The token that the recording was stored with. */
  readonly storedWith?: Sent
  /** Whom it was stored for. */
  readonly storedFor?: string
}

/** Changes the entry at an index; undefined takes a member away. */
export const entry =
  (index: number, changes: JsonEntry) =>
  (entries: readonly JsonEntry[]): readonly JsonEntry[] =>
    entries.map((one, at) => (at === index ? { ...one, ...changes } : one))

/** Changes every entry. */
export const every =
  (changes: JsonEntry) =>
  (entries: readonly JsonEntry[]): readonly JsonEntry[] =>
    entries.map(one => ({ ...one, ...changes }))

/** Says the same of every actor. */
export const forAll = (note: string): Record<Actor, string> => ({
  patient: note,
  recorder: note,
  analyst: note,
})
