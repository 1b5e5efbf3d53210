import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { authorize, authorizeWhole } from '../../../src/authorize/authorize.ts'
import type { Action } from '../../../src/authorize/decision.ts'
import { isOfTenant, mayKnowOwner } from '../../../src/authorize/rules/tenant.ts'
import type { Principal } from '../../../src/authorize/subject.ts'
import type { Ownership } from '../../../src/recordings/recording.ts'
import { Refusal } from '../../../src/refusal.ts'

const table = JSON.parse(readFileSync('test/vectors/authorize.json', 'utf8')) as {
  subjects: Record<string, Principal>
  recordings: Record<string, Ownership | null>
  rows: { who: string; does: Action; recording: string; answer: string; of?: string }[]
}

describe('decision table', () => {
  test.each(table.rows)(
    '$who asking to $does a recording $recording gets $answer',
    ({ who, does, recording, answer, of }) => {
      const subject = table.subjects[who]
      const ownership = table.recordings[recording]
      if (subject === undefined || ownership === undefined) {
        throw new Error(`${who} or ${recording} is not in the table`)
      }
      const decision = authorize({ subject, action: does, recording: ownership })
      expect(decision instanceof Refusal ? decision.reason : 'permit').toBe(answer)
      if (decision instanceof Refusal) return
      expect(decision.permit).toBe(does === 'play' ? 'owner' : 'role')
      expect(decision.tenant).toBe(of)
    },
  )

  test('the decision table uses every subject and recording that it lists', () => {
    expect(new Set(table.rows.map(row => row.who))).toEqual(new Set(Object.keys(table.subjects)))
    expect(new Set(table.rows.map(row => row.recording))).toEqual(new Set(Object.keys(table.recordings)))
  })
})

describe('authorizeWhole', () => {
  const issuer = 'https://login.clinic.test/'
  const patient: Principal = { id: 'patient-1', issuer, roles: [] }
  const own: Ownership = { owner: 'patient-1', issuer }
  const foreign: Ownership = { owner: 'patient-2', issuer }
  const reason = (subject: Principal, owners: Ownership[]) => {
    const { decision } = authorizeWhole(subject, owners)
    return decision instanceof Refusal ? decision.reason : decision.permit
  }

  test('a subject who owns every object of a recording is permitted, and the last owner is named', () => {
    expect(authorizeWhole(patient, [own, own])).toEqual({
      decision: { permit: 'owner' },
      ownership: own,
    })
  })

  test('a recording without objects is refused as unknown, and no owner is named', () => {
    expect(authorizeWhole(patient, [])).toEqual({
      decision: new Refusal('recording_unknown'),
      ownership: null,
    })
  })

  test('the first object of another owner refuses the whole recording, wherever it is, and that owner is named', () => {
    for (const stamped of [
      [foreign, own],
      [own, foreign],
      [own, foreign, {}],
    ]) {
      expect(authorizeWhole(patient, stamped)).toEqual({
        decision: new Refusal('not_owner'),
        ownership: foreign,
      })
    }
    expect(reason(patient, [own, {}])).toBe('recording_unbound')
  })

  test('a recording whose owner has no issuer is refused as unbound', () => {
    expect(reason(patient, [{ owner: 'patient-1' }])).toBe('recording_unbound')
  })

  test('a subject without an id or an issuer is refused before anything else', () => {
    expect(reason({ ...patient, id: '' }, [])).toBe('token_claim_missing')
    expect(reason({ ...patient, issuer: '' }, [own])).toBe('token_claim_missing')
  })
})

describe('tenant rules', () => {
  test('a reader of one tenant sees a record whose caller or whose recording is of that tenant', () => {
    expect(isOfTenant({ tenant: 'north' }, 'north')).toBe(true)
    expect(isOfTenant({ tenant: 'south', recording_tenant: 'north' }, 'north')).toBe(true)
    expect(isOfTenant({ tenant: 'south', recording_tenant: 'south' }, 'north')).toBe(false)
    expect(isOfTenant({}, 'north')).toBe(false)
  })

  test('a reader of one tenant sees an owner only of a recording that is known to be of that tenant', () => {
    expect(mayKnowOwner({ recording_tenant: 'north' }, 'north')).toBe(true)
    expect(mayKnowOwner({ tenant: 'north' }, 'north')).toBe(false)
    expect(mayKnowOwner({ tenant: 'north', recording_tenant: 'south' }, 'north')).toBe(false)
  })
})
