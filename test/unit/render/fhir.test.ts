import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogEntry } from '../../../src/render/entry.ts'
import { renderFhir } from '../../../src/render/fhir.ts'
import { faultsOf, profilesOf } from '../../support/fhir-profiles.ts'
import { arbitraryEntry, DEPLOYMENT, ENTRIES, entryOf } from '../../support/log-entries.ts'
import { mutated, SCHEMAS_PRESENT, sent } from '../../support/rendering.ts'
import { sample } from '../../support/sample.ts'

// Against FHIR R4, the profiles of IHE BALP and our own.

const render = (entry: LogEntry) => sent(renderFhir(entry, DEPLOYMENT))
const namesOf = (resource: object) => profilesOf(resource as never).map(url => url.split('/').at(-1))

interface Agent extends Record<string, unknown> {
  who?: { identifier?: Record<string, unknown> }
  network?: Record<string, unknown>
}
interface Entity extends Record<string, unknown> {
  what?: { type?: string; identifier?: Record<string, unknown>; reference?: string }
  type: { code: string }
  detail?: Record<string, unknown>[]
}
interface AuditEvent extends Record<string, unknown> {
  type: Record<string, unknown>
  subtype: Record<string, unknown>[]
  agent: Agent[]
  entity: Entity[]
}
const agentOf = ({ agent }: AuditEvent, code: string) =>
  agent.find(({ type }) => JSON.stringify(type).includes(code)) ?? {}
const entityOf = ({ entity }: AuditEvent, code: string) =>
  entity.find(({ type }) => type.code === code) ?? { type: { code } }
const drop = (name: 'agent' | 'entity', code: string) => (event: AuditEvent) =>
  Object.assign(event, {
    [name]: event[name].filter(({ type }) => !JSON.stringify(type).includes(`"${code}"`)),
  })
const [USER, CLIENT, SERVER, APP] = ['IRCP', '110152', '110153', '110150'] as const

describe.skipIf(!SCHEMAS_PRESENT)('the profiles', () => {
  test('FHIR and the profiles accept a rendering of every kind, for every reason, however much the record says', () => {
    for (const entry of ENTRIES) expect([entry.event, faultsOf(render(entry))]).toEqual([entry.event, []])
  })

  test('FHIR and the profiles accept a rendering of any record', () => {
    fc.assert(
      fc.property(arbitraryEntry, entry => {
        expect(faultsOf(render(entry))).toEqual([])
      }),
      sample(200, 20_000),
    )
  })

  type Mutations = readonly [string, (event: AuditEvent) => unknown][]
  const EITHER: Mutations = [
    ['a member that does not exist', event => Object.assign(event, { reason: 'not_owner' })],
    ['a member within that does not exist', event => Object.assign(event.agent[0]?.who ?? {}, { name: 'a' })],
    ['no date', event => delete event.recorded],
    ['a date that is not a date', event => Object.assign(event, { recorded: 'yesterday' })],
    ['no source', event => delete event.source],
    ['another type', event => Object.assign(event.type, { code: 'access' })],
    ['another action', event => Object.assign(event, { action: 'C' })],
    ['another outcome', event => Object.assign(event, { outcome: '4' })],
    ['no subtype', event => delete (event as Record<string, unknown>).subtype],
    ['no client', drop('agent', CLIENT)],
    ['no server', drop('agent', SERVER)],
    ['a server without a name', event => delete agentOf(event, SERVER).who],
    ['two servers', event => event.agent.push(agentOf(event, SERVER))],
    ['a user that did not ask', event => Object.assign(agentOf(event, USER), { requestor: false })],
    ['an agent that may have asked', event => delete agentOf(event, SERVER).requestor],
    ['no recording', drop('entity', '2')],
    ['a recording without a name', event => delete entityOf(event, '2').what],
    ['a patient that is a group', event => Object.assign(entityOf(event, '1').what ?? {}, { type: 'Group' })],
    ['two patients', event => event.entity.push(entityOf(event, '1'))],
    ['a record without an id', event => delete entityOf(event, 'XrequestId').what?.identifier?.value],
    [
      'an empty string',
      event => Object.assign(entityOf(event, 'XrequestId').detail?.[0] ?? {}, { valueString: '' }),
    ],
    ['a null', event => Object.assign(event, { outcomeDesc: null })],
    ['an unknown profile', event => Object.assign(event, { meta: { profile: ['urn:x'] } })],
  ]
  const VIEW: Mutations = [
    ...EITHER,
    ['no patient', drop('entity', '1')],
    ['a client without a network', event => delete agentOf(event, CLIENT).network],
    ['no application', drop('agent', APP)],
    ['an application without an id', event => delete agentOf(event, APP).who?.identifier?.value],
    ['a user without a token', event => delete agentOf(event, USER).policy],
    ['a user without a name', event => delete agentOf(event, USER).who],
    ['a user with two tokens', event => Object.assign(agentOf(event, USER), { policy: ['urn:a', 'urn:b'] })],
  ]
  const DENIAL: Mutations = [
    ...EITHER,
    ['success', event => Object.assign(event, { outcome: '0' })],
    ['no reason', event => event.subtype.pop()],
    ['a reason of another system', event => Object.assign(event.subtype[1] ?? {}, { system: 'urn:x' })],
    ['a reason without a code', event => delete event.subtype[1]?.code],
    ['another interaction', event => Object.assign(event.subtype[0] ?? {}, { code: 'create' })],
    ['no description of the outcome', event => delete event.outcomeDesc],
    ['no record', drop('entity', 'XrequestId')],
  ]
  test.each([
    ...VIEW.map(mutation => ['view', ...mutation] as const),
    ...DENIAL.map(mutation => ['access', ...mutation] as const),
  ])('FHIR or a profile rejects a rendering of the kind %s with %s', (kind, _, mutation) => {
    const resource = render(entryOf(kind))
    expect(faultsOf(resource)).toEqual([])
    expect(faultsOf(mutated(resource, mutation))).not.toEqual([])
  })
})

describe('renderFhir', () => {
  test('a refused read conforms to our profile, whatever its reason, and no other refusal says that it does', () => {
    for (const entry of ENTRIES.filter(({ event }) => event.kind === 'access')) {
      const { recording, method, asked } = entry.event
      const isRead = recording !== undefined && asked === undefined && ['GET', 'HEAD'].includes(method ?? '')
      expect(namesOf(render(entry))).toEqual(isRead ? ['recording-read-denied'] : [])
    }
  })

  test.each<[string, readonly string[]]>([
    ['view', ['IHE.BasicAudit.PatientRead', 'IHE.BasicAudit.OAUTHaccessTokenUse.Comprehensive']],
    ['delivery', ['IHE.BasicAudit.PatientRead', 'IHE.BasicAudit.OAUTHaccessTokenUse.Comprehensive']],
    ['ticket', []],
    ['listed', []],
    ['console', []],
    ['lockdown', []],
  ])('a record of the kind %s says that it conforms to %j', (kind, profiles) => {
    const entry = ENTRIES.find(({ event }) => event.kind === kind && event.owner !== undefined)
    expect(entry && namesOf(render(entry))).toEqual(profiles)
  })

  test.each<[string, readonly string[]]>([
    ['owner', []],
    ['recording', []],
    ['net', []],
    ['token', ['IHE.BasicAudit.PatientRead']],
    ['client', ['IHE.BasicAudit.PatientRead']],
    ['subject', ['IHE.BasicAudit.PatientRead']],
  ])('a view without %s says no more than it can prove: %j', (member, profiles) => {
    const { [member as 'owner']: _, ...event } = entryOf('view').event
    expect(namesOf(render({ ...entryOf('view'), event }))).toEqual(profiles)
  })

  test('a read is one by the codes that BALP binds: restful interaction read, and the role of a domain resource', () => {
    for (const kind of ['view', 'delivery']) {
      expect(render(entryOf(kind))).toMatchObject({
        subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'read' }],
        entity: [{ role: { code: '1' } }, { role: { code: '4' } }, {}],
      })
    }
  })

  test('a refusal carries index, id, kind, reason and time, and its patient is the owner', () => {
    const { id, event } = entryOf('access')
    const resource = render(entryOf('access')) as unknown as AuditEvent
    expect(resource).toMatchObject({
      id,
      recorded: event.recorded,
      period: { start: event.t },
      subtype: [{}, { code: 'not_owner' }],
      outcomeDesc: 'Request refused: not_owner',
    })
    expect(entityOf(resource, '1').what?.identifier?.value).toBe(event.owner)
    expect(agentOf(resource, USER).who?.identifier?.value).toBe(event.subject)
    expect(entityOf(resource, 'XrequestId').detail).toEqual(
      expect.arrayContaining([
        { type: 'index', valueString: '184223' },
        { type: 'kind', valueString: 'access' },
        { type: 'reason', valueString: 'not_owner' },
      ]),
    )
  })

  test('a list names each of its recordings with its patient and its answer', () => {
    const entry = ENTRIES.find(({ event }) => event.kind === 'listed' && event.decision === 'deny')
    const { entity = [] } = (entry ? render(entry) : {}) as unknown as Partial<AuditEvent>
    expect(entity.filter(({ type }) => type.code === '1')).toHaveLength(2)
    expect(entity.filter(({ type }) => type.code === '2').map(({ detail }) => detail)).toEqual([
      [{ type: 'decision', valueString: 'permit' }],
      [
        { type: 'decision', valueString: 'deny' },
        { type: 'reason', valueString: 'not_owner' },
      ],
    ])
  })

  test('every reference is logical, since no resource has a pseudonym as its id', () => {
    for (const entry of ENTRIES) expect(JSON.stringify(render(entry))).not.toContain('"reference"')
  })
})
