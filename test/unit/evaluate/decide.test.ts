import { beforeEach, describe, expect, test } from 'vitest'
import type { Containment } from '../../../src/control/containment.ts'
import { type DecideServices, decide, ROUND } from '../../../src/evaluate/decide.ts'
import type { Call, Question } from '../../../src/evaluate/questions.ts'
import { type OwnerQuestion, Owners } from '../../../src/recordings/owner-source.ts'
import type { Ownership } from '../../../src/recordings/recording.ts'
import { Fault } from '../../../src/refusal.ts'
import { contextOf } from '../../support/context.ts'

const ISSUER = 'https://login.clinic.test/'
const asker = { id: 'app-1', issuer: ISSUER, roles: ['app'], token: 'token-1' }
const context = contextOf()
const patient = { id: 'patient-1', issuer: ISSUER }
const owned: Ownership = { owner: 'patient-1', issuer: ISSUER }
const foreign: Ownership = { owner: 'patient-2', issuer: ISSUER }

/** What is stored, by key. A function is called, and may fail. */
let stored: Record<string, Ownership | (() => never)>
/** Which keys were looked up, in their order. */
let looked: string[]
/** How many keys were looked up at once at most. */
let most: number
let facts: DecideServices
beforeEach(() => {
  stored = {}
  looked = []
  most = 0
  let now = 0
  const look = async (key: string): Promise<Ownership | null> => {
    looked.push(key)
    most = Math.max(most, ++now)
    await Promise.resolve()
    now -= 1
    const found = stored[key] ?? null
    return typeof found === 'function' ? found() : found
  }
  const store = {
    find: async (key: string) => {
      const ownership = await look(key)
      return ownership && { ownership, size: 1, etag: '"1"', modified: 0 }
    },
    stampBelow: look,
  }
  facts = {
    store: store as Partial<DecideServices['store']> as DecideServices['store'],
    owners: new Owners(undefined, ISSUER),
    containment: { refuseLocked: async () => undefined } as Partial<Containment> as Containment,
    keyPrefixes: recording => [`a/${recording}`, `b/${recording}/`],
  }
})

const about = (recording: string | undefined, who: Question['about'] = patient): Question => ({
  about: who,
  recording,
})
const callOf = (questions: readonly Question[], until?: boolean): Call => ({
  several: true,
  questions,
  until,
})
const names = (count: number) => Array.from({ length: count }, (_, index) => `rec-${index}`)

async function permits(recordings: readonly string[], until?: boolean): Promise<boolean[]> {
  const answers = await decide(
    callOf(
      recordings.map(recording => about(recording)),
      until,
    ),
    asker,
    context,
    facts,
  )
  return answers.map(({ permit }) => permit)
}

describe('answers', () => {
  test('each question is answered in order, with the reason of the answer and the owner of the recording', async () => {
    stored = { 'a/mine': owned, 'a/theirs': foreign, 'b/unbound/': {} }
    const questions = ['theirs', 'mine', 'none', 'unbound'].map(name => about(name))
    expect(await decide(callOf(questions), asker, context, facts)).toEqual([
      { ...questions[0], permit: false, reason: 'not_owner', ownership: foreign },
      { ...questions[1], permit: true, ownership: owned },
      { ...questions[2], permit: false, reason: 'recording_unknown' },
      { ...questions[3], permit: false, reason: 'recording_unbound', ownership: { issuer: ISSUER } },
    ])
  })

  test('a question is permitted only if the subject owns what is stored at every location', async () => {
    stored = { 'a/both': owned, 'b/both/': owned, 'a/one': owned, 'b/one/': foreign, 'b/parts/': owned }
    expect(await permits(['both', 'one', 'parts'])).toEqual([true, false, true])
  })

  test('an answer is about the subject of its question, with the issuer of that subject, not about the caller', async () => {
    stored = { 'a/mine': owned, 'a/app': { owner: 'app-1', issuer: ISSUER } }
    const other = { ...patient, issuer: 'https://other.test/' }
    const questions = [about('mine'), about('app'), about('mine', other), about('app', asker)]
    const answers = await decide(callOf(questions), asker, context, facts)
    expect(answers.map(({ permit }) => permit)).toEqual([true, false, false, true])
  })

  test('a question about no user or no recording is denied without a reason, the latter without a look-up', async () => {
    const flaw = 'evaluations[1]: it must be an object'
    const questions = [
      { about: undefined, recording: 'mine' },
      { ...about(undefined), flaw },
    ]
    stored = { 'a/mine': owned }
    expect(await decide(callOf([about(undefined)]), asker, context, facts)).toEqual([
      { ...about(undefined), permit: false },
    ])
    expect(looked).toEqual([])
    expect(await decide(callOf(questions), asker, context, facts)).toEqual([
      { ...questions[0], permit: false },
      { ...questions[1], permit: false },
    ])
  })

  test.each<[string, object, boolean[]]>([
    ['no tenant', { allTenants: true }, [true, false, false]],
    ['the tenant north', { tenant: 'north' }, [false, true, false]],
    ['the tenant south', { tenant: 'south' }, [false, false, true]],
  ])('a caller of %s is permitted no recording of another tenant', async (_, tenant, expected) => {
    stored = { 'a/none': owned, 'a/n': { ...owned, tenant: 'north' }, 'a/s': { ...owned, tenant: 'south' } }
    const answers = await decide(
      callOf([about('none'), about('n'), about('s')]),
      { ...asker, ...tenant },
      context,
      facts,
    )
    expect(answers.map(({ permit }) => permit)).toEqual(expected)
    expect(answers.flatMap(({ reason = [] }) => reason)).toEqual(['tenant_mismatch', 'tenant_mismatch'])
  })
})

describe('look-ups', () => {
  test('a recording is looked up once in a call, however many questions and subjects it is asked about for', async () => {
    stored = { 'a/mine': owned }
    const questions = Array.from({ length: 3 * ROUND }, (_, index) =>
      about('mine', { ...patient, id: `patient-${index % 2}` }),
    )
    const answers = await decide(callOf(questions), asker, context, facts)
    expect(looked).toEqual(['a/mine', 'b/mine/'])
    expect(answers.filter(({ permit }) => permit)).toHaveLength((3 * ROUND) / 2)
  })

  test('at most sixteen recordings of a call are looked up at once', async () => {
    expect(await permits(names(40))).toEqual(Array(40).fill(false))
    expect([ROUND, looked.length, most]).toEqual([16, 2 * 40, 2 * 16])
  })

  test('the owner source is asked about a recording with its id, its first key and its stamps', async () => {
    const asked: OwnerQuestion[] = []
    const ownersOf = (question: OwnerQuestion) => {
      asked.push(question)
      return question.stamps.map(() => foreign)
    }
    facts = { ...facts, owners: new Owners({ ownersOf }, ISSUER) }
    stored = { 'a/mine': owned, 'b/mine/': foreign }
    const other = { ...patient, id: 'patient-2' }
    const answers = await decide(
      callOf([about('mine'), about('none'), about('mine', other)]),
      asker,
      context,
      facts,
    )
    expect(answers.map(({ permit }) => permit)).toEqual([false, false, true])
    const ref = { recording: 'mine', key: 'a/mine' }
    expect(asked).toHaveLength(2)
    expect(asked).toContainEqual({ ref, stamps: [owned, foreign], defaultIssuer: ISSUER })
    expect(asked).toContainEqual({
      ...{ ref: { recording: 'none', key: 'a/none' }, stamps: [], defaultIssuer: ISSUER },
    })
  })
})

describe('calls', () => {
  test('a call ends with the first answer that it waits for, and nothing beyond that round is looked up', async () => {
    stored = { 'a/rec-3': owned, 'a/rec-20': owned }
    expect(await permits(names(40), true)).toEqual([false, false, false, true])
    expect(looked).toHaveLength(2 * ROUND)
    expect(await permits(['rec-3', 'rec-20', 'rec-5', 'rec-3'], false)).toEqual([true, true, false])
    expect(await permits(['rec-3', 'rec-20'], false)).toEqual([true, true])
  })

  test('a call goes on to the next round if the answer that it waits for is not in the first one', async () => {
    stored = { 'a/rec-20': owned }
    expect(await permits(names(40), true)).toHaveLength(21)
    expect(looked).toHaveLength(2 * 2 * ROUND)
  })

  test('a call without questions has no answers', async () => {
    expect(await permits([])).toEqual([])
  })

  test.each(['a/rec-5', 'b/rec-5/', 'a/rec-30'])(
    'a call has no answers if the store fails for %s, as a list with a gap would pass for complete',
    async key => {
      const cause = new Error('the store is down')
      stored = {
        [key]: () => {
          throw cause
        },
      }
      const fault = await permits(names(40)).catch(error => error)
      expect(fault).toBeInstanceOf(Fault)
      expect([fault.reason, fault.cause]).toEqual(['store_unavailable', cause])
    },
  )

  test('a call has no answers if the owner source fails', async () => {
    const ownersOf = () => Promise.reject(new Error('no connection'))
    facts = { ...facts, owners: new Owners({ ownersOf }, ISSUER) }
    await expect(permits(['rec-1'])).rejects.toThrow('owner_unavailable')
  })
})
