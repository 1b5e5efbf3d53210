import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { denyReasonCodeSystem, denyReasonShorthand } from '../../support/deny-reason-code-system.ts'
import { type Profile, RECORDING_READ_DENIED } from '../../support/fhir-profiles.ts'
import { rulesOfElements, rulesOfShorthand } from '../../support/shorthand.ts'

// docs/fhir has the profile and its code system twice: as FHIR Shorthand, which people read, and as the resources that SUSHI
// compiles from it, which programs read. SUSHI needs the definitions of FHIR, a hundred megabytes, so the tests don't run it:
// they hold that both say the same. After a change, compile (docs/fhir/sushi-config.yaml), put the resources into docs/fhir
// without the snapshot, and into test/vectors with it, without what is prose.

const read = (file: string) => readFileSync(`docs/fhir/${file}`, 'utf8')
const compiled: Profile = JSON.parse(read('StructureDefinition-recording-read-denied.json'))
const rules = rulesOfShorthand(read('recording-read-denied.fsh'))

describe('the profile recording-read-denied', () => {
  test('the compiled profile has no rule that its Shorthand has not', () => {
    const found = rulesOfElements(compiled.differential.element)
    expect(found.length).toBeGreaterThan(60)
    expect(found.filter(rule => !rules.includes(rule))).toEqual([])
  })

  test('the compiled profile has every rule of its Shorthand, of its own or as AuditEvent has it', () => {
    const found = [
      ...rulesOfElements(compiled.differential.element),
      ...rulesOfElements(RECORDING_READ_DENIED.snapshot.element),
    ]
    expect(rules.length).toBeGreaterThan(60)
    expect(rules.filter(rule => !found.includes(rule))).toEqual([])
  })

  test('the profile that the tests validate with is the one in docs/fhir', () => {
    const { snapshot: _, ...tested } = RECORDING_READ_DENIED
    expect(tested).toEqual(compiled)
  })

  test('the value set of the profile is all of the code system', () => {
    const { url, compose } = JSON.parse(read('ValueSet-recording-deny-reasons.json'))
    expect(rules).toContain(`subtype:reason from ${url} (required)`)
    expect(compose).toEqual({ include: [{ system: JSON.parse(JSON.stringify(denyReasonCodeSystem())).url }] })
  })
})

// `npm run table` writes both again, as does WRITE_TABLE=1 before a test.
describe('the code system of reasons', () => {
  test.each([
    ['recording-deny-reason.fsh', denyReasonShorthand()],
    ['CodeSystem-recording-deny-reason.json', `${JSON.stringify(denyReasonCodeSystem(), undefined, 2)}\n`],
  ])('docs/fhir/%s has every reason of src/reason.ts, and no other', (file, expected) => {
    if (process.env.WRITE_TABLE !== undefined) writeFileSync(`docs/fhir/${file}`, expected)
    expect(read(file)).toBe(expected)
  })
})
