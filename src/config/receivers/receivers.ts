import { findConflicts } from '../checks.ts'
import type { Mistake } from '../option.ts'

/** The types that members of their own belong to. */
export type OwnMembers<Entry, Type> = Readonly<Partial<Record<keyof Entry, readonly Type[]>>>

/** Finds receivers that have the name of an earlier one. */
export const findNamesakes = <Entry>(
  entries: readonly Entry[],
  nameOf: (entry: Entry) => string,
): readonly Mistake[] =>
  findConflicts(entries, (entry, earlier, at) =>
    nameOf(entry) === nameOf(earlier)
      ? `has the name of ${at}: give one of them a "name" of its own`
      : undefined,
  )

/** Finds the members of a receiver that belong to other types. `own`: the types that a member belongs to. */
export const findStrangers = (
  entry: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, readonly string[]>>,
): readonly Mistake[] =>
  Object.entries(own)
    .filter(([member, types]) => entry[member] !== undefined && !types.some(type => type === entry.type))
    .map(([member, types]) => [`.${member}`, `is only for ${types.join(' and ')}: take it away`])
