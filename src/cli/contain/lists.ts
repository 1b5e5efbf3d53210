import type { ListedFacts } from '../../ledger/event.ts'
import { isPseudonym } from '../../ledger/pseudonym.ts'
import { type FoundEvent, parseEvent } from '../../ledger/query/terms.ts'
import { parseGateUrl, tokenFor } from '../client.ts'
import { LogReader } from '../log/log-reader.ts'
import { progress } from '../progress.ts'
import type { CalledGate } from './console-call.ts'

/** Most persons whose lists are read. */
const MAX_PERSONS = 64
/** Most records of the lists of one person, and most pages: one may have few records, or none. */
const MAX_EACH = 2_000
const MAX_PAGES = 20
/** From how many records of lists on no further person's are read. Reading 25,000 records in a day is a finding of its own (RG-033). */
const MAX_RECORDS = 10_000

/** What was read of lists. A record of a list is not found by the recordings in it, only by who asked. */
export interface ReadLists {
  readonly records: readonly FoundEvent[]
  /** Pseudonyms of those whose lists were read to the end. */
  readonly read: readonly string[]
  /** Of those whose lists were read in part, or not at all, as there are too many. */
  readonly cut: readonly string[]
}

/** How often the lists that someone asked for had a recording. */
export interface Listed {
  /** Pseudonym of who asked. Absent if the record names no one. */
  readonly subject?: string
  /** Pseudonym of the person that was asked about, if that is another. */
  readonly about?: string
  readonly permitted: number
  readonly refused: number
}

/** An answer about a recording, with the record that it is in. */
export interface FoundAnswer {
  readonly record: FoundEvent
  readonly answer: ListedFacts['answers'][number]
}

/** Reads the lists that persons asked for, from a time on. Without one, the newest of each come first. */
export async function readLists(
  gate: CalledGate,
  persons: Iterable<unknown>,
  since: string | undefined,
): Promise<ReadLists> {
  const [read, cut, records]: [string[], string[], FoundEvent[]] = [[], [], []]
  const all = [...new Set(persons)].filter(one => typeof one === 'string').filter(isPseudonym)
  const range = { filters: {}, newest: since === undefined, ...(since !== undefined && { since }) }
  for (const [index, subject] of all.entries()) {
    const isTooMany = index >= MAX_PERSONS || records.length >= MAX_RECORDS
    const isRead = !isTooMany && (await readPerson(subject))
    ;(isRead ? read : cut).push(subject)
    progress('persons whose lists are read', index + 1, all.length)
  }
  return { records, read, cut }

  /** Resolves to whether all lists of a person were read. */
  async function readPerson(subject: string): Promise<boolean> {
    const reader = new LogReader({
      gate: parseGateUrl(gate.url),
      token: () => tokenFor(gate.token, gate.data, 'security'),
      filters: { kind: 'listed', subject },
      follow: false,
    })
    let [pages, count] = [0, 0]
    for await (const lines of reader.pages(range)) {
      records.push(...lines.map(parseEvent))
      pages += 1
      count += lines.length
      // There may be more of them, or not: that is not claimed.
      if (pages >= MAX_PAGES || count >= MAX_EACH) return false
    }
    return true
  }
}

/** Returns the answers about a recording. */
export const answersAbout = (recording: string, records: readonly FoundEvent[]): readonly FoundAnswer[] =>
  records.flatMap(record =>
    record.kind === 'listed' && Array.isArray(record.answers)
      ? (record.answers as ListedFacts['answers'])
          .filter(one => Object(one).recording === recording)
          .map(answer => ({ record, answer }))
      : [],
  )

/** Counts answers by who asked, and about whom. */
export function listedBy(answers: readonly FoundAnswer[]): readonly Listed[] {
  const groups = Map.groupBy(answers, ({ record: { subject, about } }) => `${subject} ${about}`)
  return [...groups.values()].map(some => {
    const { subject, about } = some[0]?.record ?? {}
    const permitted = some.filter(({ answer }) => answer.decision === 'permit').length
    return {
      ...(typeof subject === 'string' && { subject }),
      ...(typeof about === 'string' && { about }),
      ...{ permitted, refused: some.length - permitted },
    }
  })
}

/** How many pseudonyms a line shows. */
const SHOWN = 8

/** Says whose lists were read, and that no others were. */
export function whoseLists({ read, cut }: Pick<ReadLists, 'read' | 'cut'>): readonly string[] {
  const named = (all: readonly string[]) =>
    `${all.slice(0, SHOWN).join(', ')}${all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''}`
  return [
    read.length === 0
      ? 'No lists were read to the end, so the recording may have been in others.'
      : `Only the lists that these persons asked for were read: ${named(read)}. A recording may have been in lists of others.`,
    ...(cut.length === 0
      ? []
      : [
          `Of these persons there are too many lists, or too many persons: theirs were read in part or not at all: ${named(cut)}.`,
        ]),
  ]
}
