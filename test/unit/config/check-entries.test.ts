import { describe, expect, test } from 'vitest'
import type { Issuer } from '../../../src/authenticate/issuer.ts'
import { checkEntries } from '../../../src/config/check-entries.ts'

const ISSUER = 'https://idp.test'
const one: Issuer = { issuer: ISSUER, audience: 'patients' }
const other: Issuer = { issuer: ISSUER, audience: 'staff', name: 'staff' }
const FHIR = 'https://fhir.test/r4'

describe('two entries of one issuer whose subjects can be owners', () => {
  test.each<[Partial<Issuer>, Partial<Issuer>, string, string]>([
    [{}, { subject_claim: 'employee' }, '"employee"', '"sub"'],
    [{ subject_claim: 'ids.mrn' }, { subject_claim: ['ids', 'mrn'] }, '["ids","mrn"]', '"ids.mrn"'],
    [{ subject_claim: ['a', 'b.c'] }, { subject_claim: ['a.b', 'c'] }, '["a.b","c"]', '["a","b.c"]'],
    [
      { subject_claim: 'patient' },
      { subject_claim: 'patient', fhir_base: FHIR },
      `"patient" of "${FHIR}"`,
      '"patient"',
    ],
  ])('whose subjects are of %j and %j do not start', (first, second, ours, theirs) => {
    const mistake = `takes its subjects from ${ours} and [0] from ${theirs}, so one id could be two people: set "owns": false in the one whose subjects are not patients`
    expect(
      checkEntries([
        { ...one, ...first },
        { ...other, ...second },
      ]),
    ).toEqual([['[1]', mistake]])
    for (const [a, b] of [
      [{ owns: false }, {}],
      [{}, { owns: false }],
    ] as const) {
      expect(
        checkEntries([
          { ...one, ...first, ...a },
          { ...other, ...second, ...b },
        ]),
      ).toEqual([])
    }
  })

  test.each<[Partial<Issuer>, Partial<Issuer>]>([
    [{}, {}],
    [{}, { subject_claim: 'sub' }],
    [{ subject_claim: ['sub'] }, {}],
    [{ subject_claim: ['a', 'b'] }, { subject_claim: ['a', 'b'] }],
    [
      { subject_claim: 'patient', fhir_base: FHIR },
      { subject_claim: 'patient', fhir_base: FHIR },
    ],
  ])('whose subjects are of %j and %j are one set of people', (first, second) => {
    expect(
      checkEntries([
        { ...one, ...first },
        { ...other, ...second },
      ]),
    ).toEqual([])
  })
})
