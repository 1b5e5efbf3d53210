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

describe('the decision table', () => {
  test.each(table.rows)(
    '$who, $does, recording $recording: $answer',
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

  test('uses every subject and recording that it lists', () => {
    expect(new Set(table.rows.map(row => row.who))).toEqual(new Set(Object.keys(table.subjects)))
    expect(new Set(table.rows.map(row => row.recording))).toEqual(new Set(Object.keys(table.recordings)))
  })
})

describe('a decision about a recording with all its parts', () => {
  const issuer = 'https://login.clinic.test/'
  const patient: Principal = { id: 'patient-1', issuer, roles: [] }
  const own: Ownership = { owner: 'patient-1', issuer }
  const foreign: Ownership = { owner: 'patient-2', issuer }
  const reason = (subject: Principal, owners: Ownership[]) => {
    const { decision } = authorizeWhole(subject, owners)
    return decision instanceof Refusal ? decision.reason : decision.permit
  }

  test('permits if the subject owns every object, and names the last owner', () => {
    expect(authorizeWhole(patient, [own, own])).toEqual({
      decision: { permit: 'owner' },
      ownership: own,
    })
  })

  test('refuses a recording without objects as unknown, with no owner', () => {
    expect(authorizeWhole(patient, [])).toEqual({
      decision: new Refusal('recording_unknown'),
      ownership: null,
    })
  })

  test('refuses for the first object of another owner, wherever it is, and names its owner', () => {
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

  test('takes an owner without an issuer for nobody', () => {
    expect(reason(patient, [{ owner: 'patient-1' }])).toBe('recording_unbound')
  })

  test('refuses a subject without an id before anything else', () => {
    expect(reason({ ...patient, id: '' }, [])).toBe('token_claim_missing')
    expect(reason({ ...patient, issuer: '' }, [own])).toBe('token_claim_missing')
  })
})

describe('a reader of one tenant', () => {
  test('sees a record whose caller or whose recording is of that tenant', () => {
    expect(isOfTenant({ tenant: 'north' }, 'north')).toBe(true)
    expect(isOfTenant({ tenant: 'south', recording_tenant: 'north' }, 'north')).toBe(true)
    expect(isOfTenant({ tenant: 'south', recording_tenant: 'south' }, 'north')).toBe(false)
    expect(isOfTenant({}, 'north')).toBe(false)
  })

  test('sees an owner only of a recording that is known to be of that tenant', () => {
    expect(mayKnowOwner({ recording_tenant: 'north' }, 'north')).toBe(true)
    expect(mayKnowOwner({ tenant: 'north' }, 'north')).toBe(false)
    expect(mayKnowOwner({ tenant: 'north', recording_tenant: 'south' }, 'north')).toBe(false)
  })
})
