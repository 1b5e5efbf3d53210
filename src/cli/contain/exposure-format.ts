import type { Exposure, ReadExposure, Sent } from './exposure.ts'
import { whoseLists } from './lists.ts'

/** What no record can say, whatever the rest says. */
export const UNKNOWN: readonly string[] = [
  'The log has what the gate handed over. After a cut, up to a few MiB may have been in buffers on the way: they count as sent.',
  'Bytes are on record up to 10 seconds after their answer ended. Those of the last seconds, and of answers that go on, may not be there yet.',
  'Of a store that does not count, all that was asked for counts as sent (assumed): it is never less than what left.',
  'What was played, copied or stored before the gate was there, or past it, has no record.',
]

/** Most ranges of a part on one line. */
const SHOWN_RANGES = 8

/** Returns what is not known in spite of what was read. */
export const notKnown = (lists: ReadExposure['lists']): readonly string[] => [
  ...UNKNOWN,
  ...whoseLists(lists),
]

/** Returns what happened to recordings, as lines. */
export function formatExposure({ exposure, lists, since }: ReadExposure): readonly string[] {
  return [
    `what the log says of each recording, read from ${since ?? 'its first record on'}:`,
    ...exposure.flatMap(linesOf),
    ...notKnown(lists).map(line => `not known: ${line}`),
  ]
}

function linesOf(exposure: Exposure): readonly string[] {
  const { recording, refused, listed, tickets, views, sent } = exposure
  const reasons = Object.entries(refused.reasons).map(([reason, count]) => `${reason} ${count}`)
  const whose = doubtOf(exposure) === undefined ? ' (its owner)' : ' (its owner then)'
  return [
    [
      `${recording}: ${refused.count} requests refused${reasons.length > 0 ? ` (${reasons.join(', ')})` : ''}`,
      `in the lists that were read permitted ${listed.permitted} times, refused ${listed.refused} times`,
      `${tickets} tickets, ${views} views`,
      verdictOf(exposure),
    ].join('; '),
    ...listed.by.map(
      ({ subject = 'no person', about, permitted, refused: denied }) =>
        `  in lists of ${subject}${about === undefined ? '' : ` about ${about}`}: permitted ${permitted} times, refused ${denied} times`,
    ),
    ...sent.map(({ subject = 'no person', isOwner, answers, complete, cut, assumed, bytes: left, parts }) => {
      const ranges = parts.map(({ part, ranges: some }) => {
        const shown = some.slice(0, SHOWN_RANGES).map(range => range.join('-'))
        return `${part === undefined ? '' : `${part} `}${shown.join(',')}${some.length > SHOWN_RANGES ? ',…' : ''}`
      })
      return `  ${subject}${isOwner ? whose : ''}: ${left} bytes in ${answers} answers, ${complete} complete, ${cut} cut, ${assumed} assumed; ${ranges.join('; ')}`
    }),
  ]
}

/** Says whom bytes left to. That all of them were its owner's is no proof unless it is certain who that is. */
function verdictOf(exposure: Exposure): string {
  const { sent } = exposure
  const doubt = doubtOf(exposure)
  const sum = (some: readonly Sent[]) => some.reduce((all, { bytes }) => all + bytes, 0)
  const all = sum(sent)
  const late = exposure.views_without_delivery
  const open = late === 0 ? [] : [`what left in ${late} of its views is not on record yet, ask again`]
  const said = (words: string) => [words, ...open, ...(doubt === undefined ? [] : [doubt])].join('; ')
  // Neither is said of bytes that may still come on record.
  if (all === 0 && late > 0) return said('no byte is on record')
  if (all === 0) return said('no byte left to anyone')
  if (doubt !== undefined) return said(`${all} bytes left`)
  const others = sum(sent.filter(({ isOwner }) => !isOwner))
  if (others > 0) return said(`${others} bytes left to others than its owner`)
  return said(`no byte ${late > 0 ? 'is on record' : 'left'} to anyone but its owner`)
}

/** Why it is not certain whose a recording is. Undefined if it is. */
function doubtOf({ owners, isDisputed }: Exposure): string | undefined {
  if (owners.length > 1) return `it has ${owners.length} owners, look at each`
  return isDisputed ? 'its owner is disputed, look at each person' : undefined
}
