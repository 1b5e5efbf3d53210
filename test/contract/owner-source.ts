import { describe, expect, test } from 'vitest'
import { agreeing, lookupOwners, type OwnerSource, stampedOwners } from '../../src/recordings/owner-source.ts'
import {
  isSameOwner,
  type ObjectRef,
  type Ownership,
  withDefaultIssuer,
} from '../../src/recordings/recording.ts'
import { patient1, patient2 } from './recordings.ts'

// What every adapter of the port OwnerSource must do; the contract tests of each runtime run this.

const ISSUER = 'https://login.clinic.test/'
const ref: ObjectRef = { recording: 'rec-1', part: 'a.ts', key: 'recordings/rec-1/a.ts' }
const failing = async (): Promise<never> => {
  throw new Error('the database is down')
}

/** Asks a source, as the gate does. */
async function ask(
  source: OwnerSource,
  stamped: readonly Ownership[],
  defaultIssuer: string | undefined = undefined,
): Promise<readonly Ownership[]> {
  const stamps = stamped.map(stamp => withDefaultIssuer(stamp, defaultIssuer))
  return source.ownersOf(Object.freeze({ ref, stamps: Object.freeze(stamps), defaultIssuer }))
}

/** @param create creates a source that knows one owner, whom every object is stamped with too; null: it knows none */
function ownerSourceContract(name: string, create: (owner: Ownership | null) => OwnerSource): void {
  describe(`${name} as an owner source`, () => {
    const owners = async (owner: Ownership | null, objects: number, defaultIssuer?: string) =>
      ask(
        create(owner),
        Array.from({ length: objects }, () => owner ?? {}),
        defaultIssuer,
      )

    test.each([0, 1, 2, 17])('an owner source returns one owner for each of %i objects', async objects => {
      const said = await owners(patient1, objects)
      expect(said.length).toBe(objects)
      expect(said.every(one => isSameOwner(one, patient1))).toBe(true)
    })

    test('an owner source returns the owners in the order of the stamps', async () => {
      const said = await ask(create(patient1), [patient1, patient1, patient2])
      // Whether the third one counts differs.
      expect(said.slice(0, 2).map(({ owner }) => owner)).toEqual(['patient-1', 'patient-1'])
      expect(said.length).toBe(3)
    })

    test.each([0, 1, 3])(
      'an owner source that knows no owner returns none for each of %i objects',
      async objects => {
        for (const issuer of [undefined, ISSUER]) {
          const said = await owners(null, objects, issuer)
          expect(said.map(({ owner }) => owner)).toEqual(Array.from({ length: objects }, () => undefined))
        }
      },
    )

    test('an owner without an issuer gets the default issuer, if there is one', async () => {
      const [settled] = await owners({ owner: 'patient-1' }, 1, ISSUER)
      expect(settled).toMatchObject({ owner: 'patient-1', issuer: ISSUER })
      const [open] = await owners({ owner: 'patient-1' }, 1)
      expect([open?.owner, open?.issuer]).toEqual(['patient-1', undefined])
    })

    test('an owner keeps the issuer that it is named with', async () => {
      const issuer = 'https://other.clinic.test/'
      const [said] = await owners({ owner: 'patient-1', issuer }, 1, ISSUER)
      expect(said).toMatchObject({ owner: 'patient-1', issuer })
    })

    test('an owner source returns the tenant of an owner, if it has one', async () => {
      expect((await owners(patient1, 1))[0]?.tenant).toBe('north')
      expect((await owners(patient2, 1))[0]?.tenant).toBeUndefined()
    })
  })
}

function lookupContract(): void {
  describe('lookup', () => {
    test('a lookup is called once, for the requested object, whether or not the object exists', async () => {
      for (const stamped of [[], [patient1], [patient1, patient2, patient1]]) {
        const asked: ObjectRef[] = []
        await ask(
          lookupOwners(async which => {
            asked.push(which)
            return patient1
          }),
          stamped,
        )
        expect(asked).toEqual([ref])
      }
    })

    test('a lookup ignores the stamps', async () => {
      const source = lookupOwners(async () => patient2)
      expect((await ask(source, [patient1, {}])).map(({ owner }) => owner)).toEqual([
        'patient-2',
        'patient-2',
      ])
    })

    test('a lookup rejects if its function does', async () => {
      await expect(ask(lookupOwners(failing), [patient1])).rejects.toThrow('the database is down')
      await expect(ask(lookupOwners(failing), [])).rejects.toThrow('the database is down')
    })

    test.each([{ owner: null }, { owner: undefined }, { owner: '' }, { owner: null, tenant: 'north' }])(
      'a lookup that returns the row %o knows no owner',
      async row => {
        const [said] = await ask(
          lookupOwners(async () => row as never),
          [patient1],
          ISSUER,
        )
        expect(said?.owner).toBeUndefined()
      },
    )

    test('a lookup may return null or an empty string for an absent issuer or tenant', async () => {
      const row = { owner: 'patient-1', issuer: '', tenant: null }
      const [said] = await ask(
        lookupOwners(async () => row as never),
        [patient1],
        ISSUER,
      )
      expect(said).toEqual({ owner: 'patient-1', issuer: ISSUER })
    })

    const wrong: unknown[] = [
      7,
      true,
      'patient-1',
      {},
      [],
      [{ owner: 'patient-1' }],
      { patient_id: 'patient-1' },
      { results: [{ owner: 'patient-1' }] },
      { owner: 7 },
      { owner: 0 },
      { owner: ['patient-1'] },
      { owner: 'x'.repeat(256) },
      { owner: 'patient-1', issuer: 7 },
      { owner: 'patient-1', tenant: 7 },
    ]
    test.each(wrong.map(answer => [answer]))('a lookup rejects for the answer %j', async answer => {
      const source = lookupOwners(async () => answer as never)
      await expect(ask(source, [patient1])).rejects.toThrow(
        'the owner lookup must resolve to null or to an object',
      )
      await expect(ask(source, [])).rejects.toThrow('the owner lookup must resolve to null or to an object')
    })
  })
}

function agreementContract(): void {
  const knows = (owner: Ownership | null) => async () => owner
  const agreed = async (...known: readonly [Ownership | null, Ownership | null, ...(Ownership | null)[]]) => {
    const [first, second, ...others] = known
    const sources = others.map(knows)
    const [said] = await ask(agreeing(knows(first), knows(second), ...sources), [{}])
    return said
  }

  describe('agreement', () => {
    test.each<[string, Partial<Ownership>]>([
      ['owner', { owner: 'patient-2' }],
      ['issuer', { issuer: 'https://other.clinic.test/' }],
      ['tenant', { tenant: 'south' }],
    ])('an agreement knows no owner if one source names another %s', async (_, other) => {
      const named = { ...patient1, ...other }
      for (const said of [
        await agreed(patient1, named),
        await agreed(named, patient1),
        await agreed(patient1, patient1, named),
      ]) {
        expect(said).toEqual({ disputed: true })
      }
    })

    test('an agreement knows no owner if only one source names a tenant or an issuer', async () => {
      const { tenant: _, ...tenantless } = patient1
      const { issuer: __, ...issuerless } = patient1
      expect(await agreed(patient1, tenantless)).toEqual({ disputed: true })
      expect(await agreed(patient1, issuerless)).toEqual({ disputed: true })
    })

    test('an agreement knows no owner if one source knows none, and that is not a dispute', async () => {
      for (const said of [
        await agreed(patient1, null),
        await agreed(null, patient1),
        await agreed(patient1, patient1, null),
      ]) {
        expect(said).toEqual({})
      }
    })

    test('an agreement is disputed if an agreement inside it is, whatever the others know', async () => {
      const inner = agreeing(knows(patient1), knows(patient2))
      for (const other of [patient1, null]) {
        expect(await ask(agreeing(knows(other), inner), [{}])).toEqual([{ disputed: true }])
      }
    })

    test('an agreement is made for each object by itself', async () => {
      const said = await ask(agreeing(stampedOwners, knows(patient1)), [patient1, patient2, {}])
      expect(said.map(({ owner, disputed }) => [owner, disputed])).toEqual([
        ['patient-1', undefined],
        [undefined, true],
        [undefined, undefined],
      ])
    })

    test('an agreement asks all sources at the same time', async () => {
      const asked: number[] = []
      let answer: (owner: Ownership) => void = () => {}
      const waiting = new Promise<Ownership>(resolve => {
        answer = resolve
      })
      const source = (number: number) => () => {
        asked.push(number)
        return waiting
      }
      const said = ask(agreeing(source(1), source(2), source(3)), [{}])
      await Promise.resolve()
      expect(asked).toEqual([1, 2, 3])
      answer(patient1)
      expect(await said).toMatchObject([{ owner: 'patient-1' }])
    })

    test('an agreement asks all sources, whether or not the object exists', async () => {
      let asked = 0
      const counting = async () => {
        asked += 1
        return patient1
      }
      expect(await ask(agreeing(counting, counting), [])).toEqual([])
      expect(asked).toBe(2)
    })

    test('an agreement rejects if a source does, and leaves no other rejection unhandled', async () => {
      const throwing: OwnerSource = {
        ownersOf: () => {
          throw new Error('thrown at once')
        },
      }
      // The runners of these tests fail on a rejection that is not handled.
      const late: OwnerSource = {
        ownersOf: async () => {
          await new Promise(resolve => setTimeout(resolve, 5))
          throw new Error('rejected later')
        },
      }
      await expect(ask(agreeing(knows(patient1), failing), [patient1])).rejects.toThrow(
        'the database is down',
      )
      await expect(ask(agreeing(late, throwing), [patient1])).rejects.toThrow('thrown at once')
      await new Promise(resolve => setTimeout(resolve, 20))
    })
  })
}

/** Runs the contract on every adapter of the port. */
export function ownerSourceContracts(): void {
  ownerSourceContract('the stamp', () => stampedOwners)
  ownerSourceContract('a function', owner => lookupOwners(async () => owner))
  ownerSourceContract('the agreement of stamp and function', owner =>
    agreeing(stampedOwners, async () => owner),
  )
  ownerSourceContract('the agreement of three', owner =>
    agreeing(
      async () => owner,
      async () => owner,
      agreeing(stampedOwners, async () => owner),
    ),
  )
  lookupContract()
  agreementContract()
}
