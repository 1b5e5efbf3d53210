import type { FoundEvent } from './terms.ts'

/** Something that records add up to: under which name and reason, and how much of it. */
export type Amount = readonly [name: string, reason: string, amount: number]

/**
 * Returns what a record adds up to, whether it comes from the log or was just made: itself, under its kind, and
 * - `refusals` by reason: how many requests it says were refused, as it may stand for many
 * - `summed`: how many of them were part of a flood and have no other record
 * - `bytes` that left
 * - `lost` records, at most
 */
export function amountsOf({ kind, reason, repeats, sum, bytes, count }: FoundEvent): readonly Amount[] {
  const amounts: Amount[] = [[stringIn(kind), '', 1]]
  if (kind === 'access') {
    const summed = countIn(sum)
    amounts.push(['refusals', stringIn(reason), countIn(repeats) ?? summed ?? 1])
    if (summed !== undefined) amounts.push(['summed', '', summed])
  }
  if (kind === 'delivery') amounts.push(['bytes', '', numberIn(bytes)])
  if (kind === 'gap') amounts.push(['lost', '', numberIn(count)])
  return amounts
}

/** Returns the count of a member that stands for other records. Undefined if it doesn't. */
export function countIn(member: unknown): number | undefined {
  return member instanceof Object && 'count' in member ? numberIn(member.count) : undefined
}

// A record may have come from elsewhere, and be of any form.
const numberIn = (value: unknown): number => (Number.isSafeInteger(value) ? Math.max(value as number, 0) : 0)
const stringIn = (value: unknown): string => (typeof value === 'string' ? value : '')
