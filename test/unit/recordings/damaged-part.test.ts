import { expect, test } from 'vitest'
import { DamagedPart } from '../../../src/index.ts'

test('a store can report damaged facts only with an instance of the class, which the gate tests for', () => {
  const fault = new Error('the facts are cut off')
  // @ts-expect-error: the gate would take a plain object for an intact part
  const plain: DamagedPart = { ownership: { owner: 'patient-1' }, fault }
  expect(plain).not.toBeInstanceOf(DamagedPart)
  expect(new DamagedPart(fault)).toMatchObject({ fault })
  expect(new DamagedPart(fault).ownership).toEqual({})
  expect(new DamagedPart(fault, { owner: 'patient-1' }).ownership).toEqual({ owner: 'patient-1' })
})
