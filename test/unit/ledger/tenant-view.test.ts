import { expect, test } from 'vitest'
import { tenantsOf, tenantView } from '../../../src/ledger/tenant-view.ts'

const seenBy = (tenant: string, record: object): unknown => {
  const json = tenantView(JSON.stringify(record), tenant)
  return json === undefined ? undefined : JSON.parse(json)
}

test('a record is of the tenants of its caller and of its recording, each named once', () => {
  expect(tenantsOf({ tenant: 'north', recording_tenant: 'south' })).toEqual(['north', 'south'])
  expect(tenantsOf({ tenant: 'north', recording_tenant: 'north' })).toEqual(['north'])
  expect(tenantsOf({})).toEqual([])
})

test('a list is of the tenants of its caller and of the recordings in it', () => {
  const answers = [{ recording_tenant: 'south' }, null, {}, { recording_tenant: 'west' }]
  expect(tenantsOf({ tenant: 'north', answers })).toEqual(['north', 'south', 'west'])
})

test('a record is of no tenant whose name the log uses for something else', () => {
  expect(tenantsOf({ tenant: 'default', recording_tenant: 'unnamed' })).toEqual([])
})

test('a reader of another tenant sees nothing of a record', () => {
  expect(seenBy('west', { tenant: 'north', recording_tenant: 'south' })).toBeUndefined()
})

test('a reader sees the owner of a recording only if it belongs to the tenant of the reader', () => {
  const record = { tenant: 'north', recording_tenant: 'south', owner: 'psn_1' }
  expect(seenBy('south', record)).toEqual(record)
  expect(seenBy('north', record)).toEqual({ tenant: 'north', recording_tenant: 'south' })
})

test('a reader sees whom a recorder named as the owner only if the recorder is of the tenant of the reader', () => {
  const record = { tenant: 'north', recording_tenant: 'south', owner: 'psn_1', named: 'psn_2' }
  const { named: _, ...ofSouth } = record
  const { owner: __, ...ofNorth } = record
  expect(seenBy('south', record)).toEqual(ofSouth)
  expect(seenBy('north', record)).toEqual(ofNorth)
})

test('a reader of one tenant does not see which recordings the requests of a flood were for', () => {
  const sum = { of: 'id-1', count: 2 }
  const record = { tenant: 'north', kind: 'access' }
  expect(seenBy('north', { ...record, sum: { ...sum, recordings: ['rec-1'] } })).toEqual({ ...record, sum })
  for (const other of [sum, null, 'x'])
    expect(seenBy('north', { ...record, sum: other })).toEqual({ ...record, sum: other })
})

test('a reader sees a list of the own tenant whole, but for the owners of the recordings of others', () => {
  const list = {
    tenant: 'north',
    answers: [{ recording_tenant: 'south', owner: 'psn_1' }, { owner: 'psn_2' }],
  }
  expect(seenBy('north', list)).toEqual({ tenant: 'north', answers: [{ recording_tenant: 'south' }, {}] })
  expect(seenBy('north', { tenant: 'north', answers: [] })).toEqual({ tenant: 'north', answers: [] })
})

test('a reader sees of the list of another tenant only the answers about recordings of the own', () => {
  const own = { recording_tenant: 'south', owner: 'psn_1' }
  const list = { tenant: 'north', answers: [own, { recording_tenant: 'west', owner: 'psn_2' }] }
  expect(seenBy('south', list)).toEqual({ tenant: 'north', answers: [own] })
  expect(seenBy('east', list)).toBeUndefined()
})
