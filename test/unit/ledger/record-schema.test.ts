import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { KINDS } from '../../../src/ledger/event.ts'
import { REASONS } from '../../../src/reason.ts'
import { recordErrors, recordSchema, type SchemaPart } from '../../support/record-schema.ts'

// The published schema is compared with the code and the docs. Every record that a test makes a gate write is checked
// against it by test/support/memory-gate.ts and test/support/gate-client.ts.

const { $defs } = recordSchema
const part = (name: string): SchemaPart => $defs[name] ?? {}
/** The schemas of a kind: one, or one for each of its actions. */
const partsOf = (kind: string): readonly SchemaPart[] =>
  part(kind).oneOf?.map(({ $ref = '' }) => part($ref.replace('#/$defs/', ''))) ?? [part(kind)]
const membersOf = ({ properties = {} }: SchemaPart) => Object.keys(properties).filter(name => name !== 'kind')

test('every kind of record has a schema, and every schema of a record is of a kind', () => {
  expect(recordSchema.oneOf.map(({ $ref }) => $ref)).toEqual(KINDS.map(kind => `#/$defs/${kind}`))
})

test('the reasons of the schema are those of the gate, in their order', () => {
  expect(part('reason').enum).toEqual(Object.values(REASONS).flat())
})

describe('docs/event.md', () => {
  const page = readFileSync('docs/event.md', 'utf8')
  const section = (title: string) => page.split(/^##+ /m).find(one => one.startsWith(`${title}\n`)) ?? ''

  test.each([
    ['What every record has', 'base'],
    ['What the record of a request has', 'request'],
  ])('the section "%s" describes each member', (title, name) => {
    const described =
      section(title)
        .match(/^\|[^|]*/gm)
        ?.join() ?? ''
    expect(membersOf(part(name)).filter(member => !described.includes(`\`${member}\``))).toEqual([])
  })

  test.each(KINDS)('the section `%s` describes each member of that kind', kind => {
    const members = partsOf(kind).flatMap(membersOf)
    expect(members.filter(member => !section(`\`${kind}\``).includes(`\`${member}\``))).toEqual([])
    expect(section(`\`${kind}\``).length).toBeGreaterThan(100)
  })
})

describe('a record that is not as the schema says', () => {
  const psn = `psn_${'0'.repeat(32)}`
  const head = {
    ...{ v: 1, id: '01a20657-1d65-70a8-a1f9-c9dba64c576e', tenant: 'default' },
    ...{ t: '2026-11-23T02:58:22.181Z', recorded: '2026-11-23T02:58:22.204Z' },
    gate: { version: '0.7.0', isolate: '99e81a4e', seq: 17 },
  }
  const refusal = {
    ...head,
    kind: 'access',
    decision: 'deny',
    reason: 'not_owner',
    status: 404,
    method: 'GET',
  }
  const samples: Readonly<Record<string, object>> = {
    refusal,
    binding: {
      ...head,
      kind: 'binding',
      decision: 'permit',
      action: 'bound',
      source: 'upload',
      recording: 'rec-1',
    },
    heartbeat: { ...head, kind: 'heartbeat' },
    gap: { ...head, kind: 'gap', count: 2, since: head.t, until: head.t },
    finding: {
      ...{ ...head, gate: { version: '0.7.0', isolate: 'log', seq: 1 }, kind: 'finding', action: 'opened' },
      ...{
        finding: head.id,
        rule: 'RG-001',
        version: 1,
        severity: 'high',
        group: { subject: psn },
        about: psn,
      },
      ...{ count: 1, evidence: [head.id] },
    },
    keys: { ...head, kind: 'keys', issuer: 'https://login.test/', before: [], after: ['A'.repeat(43)] },
  }
  const errors = (record: object) => recordErrors(JSON.stringify(record))

  test.each(Object.entries(samples))('a valid %s is not refused', (_, record) => {
    expect(errors(record)).toEqual([])
  })

  test.each<[string, string, object]>([
    ['a person in a heartbeat', 'heartbeat', { subject: psn }],
    ['a network in a heartbeat', 'heartbeat', { net: { prefix: '203.0.113.0/24' } }],
    ['a person in a gap', 'gap', { owner: psn }],
    ['a gap of no record', 'gap', { count: 0 }],
    ['a key in a change of keys', 'keys', { after: [{ kty: 'EC' }] }],
    ['a thumbprint of another length', 'keys', { before: ['A'.repeat(42)] }],
    ['an id of a person', 'refusal', { subject: 'patient-007' }],
    ['a text in a finding', 'finding', { said: { id: head.id, sha256: '0'.repeat(64), text: 'x' } }],
    ['a comment as it is', 'finding', { comment: 'x' }],
    ['a finding without evidence', 'finding', { evidence: [] }],
    ['a severity that does not exist', 'finding', { severity: 'worst' }],
    ['a network in a finding', 'finding', { net: { prefix: '203.0.113.0/24' } }],
    ['an unknown reason', 'refusal', { reason: 'because' }],
    ['an unknown member', 'refusal', { password: 'x' }],
    ['a time without milliseconds', 'refusal', { t: '2026-11-23T02:58:22Z' }],
    ['an id that is not a UUIDv7', 'refusal', { id: '01a20657-1d65-40a8-a1f9-c9dba64c576e' }],
    ['a gate without a number', 'refusal', { gate: { version: '0.7.0', isolate: '99e81a4e' } }],
    ['a member of another kind', 'refusal', { expires: head.t }],
    ['an unknown kind', 'refusal', { kind: 'toString' }],
    ['a binding from nowhere', 'binding', { source: 'list' }],
    ['a binding of no recording', 'binding', { recording: undefined }],
  ])('%s is an error', (_, name, change) => {
    expect(errors({ ...samples[name], ...change })).not.toEqual([])
  })
})
