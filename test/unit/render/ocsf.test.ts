import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { renderOcsf } from '../../../src/render/ocsf.ts'
import { arbitraryEntry, DEPLOYMENT, ENTRIES, entryOf } from '../../support/log-entries.ts'
import { mutated, SCHEMAS_PRESENT, schema, sent } from '../../support/rendering.ts'
import { sample } from '../../support/sample.ts'

// Against the JSON Schemas of OCSF 1.8.0.

const render = (entry: (typeof ENTRIES)[number]) => sent(renderOcsf(entry, DEPLOYMENT))

let activity: ValidateFunction
let finding: ValidateFunction
beforeAll(() => {
  if (!SCHEMAS_PRESENT) return
  const compiled = (name: string) =>
    new Ajv2020({ strict: false }).compile(JSON.parse(schema(`ocsf-1.8.0/${name}.schema.json`)))
  activity = compiled('api_activity')
  finding = compiled('detection_finding')
})
const faults = (rendering: Record<string, unknown>) => {
  const valid = rendering.class_uid === 2004 ? finding : activity
  return valid(rendering)
    ? []
    : (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

describe.skipIf(!SCHEMAS_PRESENT)('the schema of OCSF 1.8.0', () => {
  test('the OCSF schema accepts a rendering of every kind, for every reason, however much the record says', () => {
    expect(ENTRIES.length).toBeGreaterThan(300)
    for (const entry of ENTRIES) expect([entry.event, faults(render(entry))]).toEqual([entry.event, []])
  })

  test('the OCSF schema accepts a rendering of any record', () => {
    fc.assert(
      fc.property(arbitraryEntry, entry => {
        expect(faults(render(entry))).toEqual([])
      }),
      sample(200, 20_000),
    )
  })

  test.each<[string, (event: Record<string, Record<string, unknown>>) => void]>([
    ['no actor', event => delete event.actor],
    ['an actor without members', event => Object.assign(event, { actor: {} })],
    ['no endpoint', event => delete event.src_endpoint],
    ['no operation', event => delete event.api?.operation],
    ['no platform', event => delete event.cloud?.provider],
    ['no version of the schema', event => delete event.metadata?.version],
    ['another class', event => Object.assign(event, { type_uid: 600402 })],
    ['a disposition that does not exist', event => Object.assign(event, { disposition_id: 77 })],
    ['a time as a string', event => Object.assign(event, { time: '2026-11-23' })],
    ['a status code as a number', event => Object.assign(event, { status_code: 404 })],
    ['a member of our own outside unmapped', event => Object.assign(event, { deny_code: 'not_owner' })],
    ['a resource without an id', event => Object.assign(event, { resources: [{ type: 'recording' }] })],
    ['unmapped as a string', event => Object.assign(event, { unmapped: '{}' })],
  ])('the OCSF schema rejects a rendering with %s', (_, mutation) => {
    const rendering = render(entryOf('access'))
    expect(faults(rendering)).toEqual([])
    expect(faults(mutated(rendering, mutation))).not.toEqual([])
  })
})

describe('renderOcsf', () => {
  test('type_uid is the class and the activity together', () => {
    for (const { class_uid, category_uid, activity_id, activity_name, type_uid } of ENTRIES.map(render)) {
      expect(type_uid).toBe(Number(class_uid) * 100 + Number(activity_id))
      expect(category_uid).toBe(Math.floor(Number(class_uid) / 1000))
      expect(activity_id === 99).toBe(activity_name !== undefined)
    }
  })

  test('a refusal carries index, id, kind, reason and time, the owner, and why it matters', () => {
    expect(render(entryOf('access'))).toMatchObject({
      type_uid: 600302,
      time: Date.parse('2026-11-23T02:58:22.181Z'),
      status_id: 2,
      status_code: '404',
      status_detail: 'not_owner',
      action_id: 2,
      disposition_id: 26,
      severity_id: 4,
      is_alert: true,
      metadata: { sequence: 184_223, uid: entryOf('access').id, tenant_uid: 'clinic-north' },
      resources: [{ uid: 'rec-001', owner: { uid: 'psn_b3746655eac2b0d999496493453156a3' } }],
      unmapped: { index: 184_223, kind: 'access', reason: 'not_owner' },
    })
  })

  test.each([
    ['opened', { type_uid: 200401, status_id: 1, severity_id: 1, count: 3 }],
    ['assigned', { type_uid: 200402, status_id: 2 }],
    ['suppressed', { type_uid: 200401, status_id: 3, severity_id: 4, is_alert: true }],
    ['unsuppressed', { type_uid: 200402, status_id: 1, severity_id: 5, is_alert: true }],
    ['closed', { type_uid: 200403, status_id: 4, verdict_id: 8 }],
  ])('a finding that was %s is a Detection Finding, with its rule and its evidence', (action, expected) => {
    const entry = ENTRIES.find(({ event }) => event.kind === 'finding' && event.action === action)
    const rendering = entry && render(entry)
    expect(rendering).toMatchObject({
      ...expected,
      finding_info: {
        uid: entry?.event.finding,
        analytic: { uid: 'RG-001' },
        related_events: [{ uid: entry?.id }],
      },
      metadata: { event_code: 'RG-001' },
    })
  })

  test.each([
    ['token_signature', 25],
    ['not_owner', 26],
    ['store_unavailable', 27],
    ['playlist_outside', 2],
  ])('a refusal for %s has the disposition %d', (reason, disposition) => {
    const entry = ENTRIES.find(({ event }) => event.reason === reason)
    expect(entry && render(entry).disposition_id).toBe(disposition)
  })

  test('the record itself is in unmapped, whole', () => {
    for (const entry of ENTRIES)
      expect(render(entry).unmapped).toEqual(sent({ ...entry.event, index: entry.index }))
  })
})
