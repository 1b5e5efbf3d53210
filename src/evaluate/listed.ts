import { nameSpaceOf } from '../authorize/subject.ts'
import { present } from '../base/present.ts'
import { canonical } from '../ledger/canonical.ts'
import type { ListedAnswer, ListedFacts } from '../ledger/event.ts'
import { eventId } from '../ledger/event-id.ts'
import { observe, tenantOf } from '../ledger/head.ts'
import type { Pseudonym } from '../ledger/pseudonym.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RequestContext } from '../request-context.ts'
import type { Answer } from './decide.ts'
import type { Asked } from './questions.ts'

/** Most characters of answers in one record: with its head it stays under the 64 KiB that a record may have. */
const PAGE = 57_344

/** What recording a list takes beside the answers. */
export interface ListedServices {
  readonly record: Recorder
  readonly pseudonym: Pseudonym
  /** Whether the app said that it shows only what is permitted. */
  readonly mode?: 'filter'
}

/**
 * Records what a call was answered. Resolves only when all of it is durable: one record for each subject that was asked
 * about, or several if its answers don't fit into one.
 *
 * @param own the subject who asks
 */
export async function recordListed(
  context: RequestContext,
  answers: readonly Answer[],
  own: Asked,
  { record, pseudonym, mode }: ListedServices,
): Promise<void> {
  // A list is of few owners and one subject: each is made a pseudonym once.
  const names = new Map<string, Promise<string>>()
  const nameOf = (about: Asked): Promise<string> => {
    const key = keyOf(about)
    const name = names.get(key) ?? pseudonym('subject', nameSpaceOf(about), about.id)
    names.set(key, name)
    return name
  }

  const records: ListedFacts[] = []
  for (const [about, ofOne] of bySubject(answers, own)) {
    const listed = await Promise.all(ofOne.map(answer => listedAnswer(answer, nameOf)))
    const another = keyOf(about) === keyOf(own) ? {} : { about: await nameOf(about) }
    for (const page of paged(listed)) {
      const decision = page.every(answer => answer.decision === 'permit') ? 'permit' : 'deny'
      records.push({ kind: 'listed', decision, answers: page, ...another, ...present({ mode }) })
    }
  }
  const count = records.length
  const ids = records.map(() => eventId(context.now()))
  // Each record names what it is about by itself.
  const observed = { ...observe(context), asked: undefined }
  const [of = ''] = ids
  await Promise.all(
    records.map((facts, index) =>
      record(
        observed,
        count === 1 ? facts : { ...facts, page: { of, number: index + 1, count } },
        ids[index],
      ),
    ),
  )
}

/** Groups answers by subject, each recording once. A question about no subject goes with the others of its call. */
function bySubject(answers: readonly Answer[], own: Asked): readonly (readonly [Asked, readonly Answer[]])[] {
  const first = answers.find(({ about }) => about !== undefined)?.about ?? own
  const groups = Map.groupBy(answers, ({ about = first }) => keyOf(about))
  return [...groups.values()].map(group => {
    // All that is answered in a call about one subject and one recording is the same.
    const each = new Map(group.map(answer => [answer.recording ?? answer, answer]))
    return [group[0]?.about ?? first, [...each.values()]]
  })
}

async function listedAnswer(
  { recording, permit, reason, ownership }: Answer,
  nameOf: (subject: Asked) => Promise<string>,
): Promise<ListedAnswer> {
  const { owner, issuer, tenant, disputed } = ownership ?? {}
  return {
    decision: permit ? 'permit' : 'deny',
    ...(recording !== undefined && { recording }),
    ...(reason !== undefined && { reason }),
    ...(owner !== undefined && issuer !== undefined && { owner: await nameOf({ id: owner, issuer }) }),
    ...(disputed === true && { disputed }),
    ...(tenant !== undefined && { recording_tenant: tenantOf(tenant) }),
  }
}

function paged(answers: readonly ListedAnswer[]): readonly (readonly ListedAnswer[])[] {
  const pages: ListedAnswer[][] = []
  let size = PAGE
  for (const answer of answers) {
    const length = canonical(answer).length + 1
    if (size + length > PAGE) {
      pages.push([])
      size = 0
    }
    pages.at(-1)?.push(answer)
    size += length
  }
  return pages
}

const keyOf = (about: Asked): string => JSON.stringify([nameSpaceOf(about), about.id])
