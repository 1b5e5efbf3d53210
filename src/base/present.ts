/** Members of an object, without those that are undefined. */
export type Present<Members> = { [Name in keyof Members]?: Exclude<Members[Name], undefined> }

/** Leaves out the members that are undefined. */
export function present<Members extends object>(members: Members): Present<Members> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Present<Members>
}
