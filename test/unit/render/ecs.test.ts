import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { renderEcs } from '../../../src/render/ecs.ts'
import { arbitraryEntry, DEPLOYMENT, ENTRIES, entryOf } from '../../support/log-entries.ts'
import { mutated, SCHEMAS_PRESENT, schema, sent } from '../../support/rendering.ts'
import { sample } from '../../support/sample.ts'

// Against the list of fields of Elastic Common Schema 9.4.

interface Field {
  readonly type: string
  readonly normalize: readonly string[]
  readonly allowed_values?: readonly { name: string; expected_event_types?: readonly string[] }[]
}
const fields: Readonly<Record<string, Field>> = SCHEMAS_PRESENT ? parse(schema('ecs_flat.yml')) : {}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: value => typeof value === 'string',
  constant_keyword: value => typeof value === 'string',
  wildcard: value => typeof value === 'string',
  match_only_text: value => typeof value === 'string',
  long: value => Number.isSafeInteger(value),
  date: value => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
}

/** What is wrong with a document, by the list of fields. Members below `mediaward` are our own. */
function faults(document: Readonly<Record<string, unknown>>, path = ''): readonly string[] {
  const found = Object.entries(document).flatMap(([name, value]): readonly string[] => {
    const full = `${path}${name}`
    if (full === 'mediaward') return []
    const field = fields[full]
    if (field === undefined)
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? faults(value as Record<string, unknown>, `${full}.`)
        : [`${full} is not a field`]
    const isArray = field.normalize.includes('array')
    if (isArray !== Array.isArray(value)) return [`${full} must ${isArray ? '' : 'not '}be an array`]
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    const allowed = field.allowed_values?.map(({ name }) => name)
    return values.flatMap(value =>
      TYPES[field.type]?.(value) !== true
        ? [`${full} must be a ${field.type}`]
        : allowed && !allowed.includes(value as string)
          ? [`${full} can't be ${value}`]
          : [],
    )
  })
  return path === '' ? [...found, ...requirements(document)] : found
}

function requirements(document: Readonly<Record<string, unknown>>): readonly string[] {
  const { category = [], type = [] } = (document.event ?? {}) as Record<string, readonly string[]>
  const expected = (fields['event.category']?.allowed_values ?? [])
    .filter(({ name }) => category.includes(name))
    .flatMap(({ expected_event_types = [] }) => expected_event_types)
  return [
    ...['@timestamp', 'ecs'].filter(name => !(name in document)).map(name => `${name} is missing`),
    ...type.filter(type => !expected.includes(type)).map(type => `${type} is not a type of the category`),
  ]
}

const render = (entry: (typeof ENTRIES)[number]) => sent(renderEcs(entry, DEPLOYMENT))

describe.skipIf(!SCHEMAS_PRESENT)('the fields of ECS 9.4', () => {
  test('the ECS field list accepts a rendering of every kind, for every reason, however much the record says', () => {
    for (const entry of ENTRIES) expect([entry.event, faults(render(entry))]).toEqual([entry.event, []])
  })

  test('the ECS field list accepts a rendering of any record', () => {
    fc.assert(
      fc.property(arbitraryEntry, entry => {
        expect(faults(render(entry))).toEqual([])
      }),
      sample(200, 20_000),
    )
  })

  test.each<[string, (document: Record<string, Record<string, unknown>>) => void]>([
    ['no timestamp', document => delete document['@timestamp']],
    ['no version of ECS', document => delete document.ecs],
    ['a timestamp that is no date', document => Object.assign(document, { '@timestamp': 'now' })],
    ['a field that does not exist', document => Object.assign(document.event ?? {}, { verdict: 'deny' })],
    ['a top-level name of our own', document => Object.assign(document, { recording: 'rec-001' })],
    [
      'a category that does not exist',
      document => Object.assign(document.event ?? {}, { category: ['media'] }),
    ],
    ['a category that is no list', document => Object.assign(document.event ?? {}, { category: 'api' })],
    [
      'a type that its category does not have',
      document => Object.assign(document.event ?? {}, { type: ['error'] }),
    ],
    [
      'the category web, which has no denials',
      document => Object.assign(document.event ?? {}, { category: ['web'] }),
    ],
    [
      'an outcome that does not exist',
      document => Object.assign(document.event ?? {}, { outcome: 'denied' }),
    ],
    ['an id in a list', document => Object.assign(document.user ?? {}, { id: ['psn_1'] })],
    ['a sequence as a string', document => Object.assign(document.event ?? {}, { sequence: '7' })],
    [
      'a status as a string',
      document => Object.assign(document, { http: { response: { status_code: '404' } } }),
    ],
  ])('the ECS field list rejects a rendering with %s', (_, mutation) => {
    const rendering = render(entryOf('access'))
    expect(faults(rendering)).toEqual([])
    expect(faults(mutated(rendering, mutation))).not.toEqual([])
  })
})

describe('renderEcs', () => {
  test('a refusal carries index, id, kind, reason and time, and the people in it', () => {
    const { id, event } = entryOf('access')
    expect(render(entryOf('access'))).toMatchObject({
      '@timestamp': event.t,
      event: {
        action: 'access',
        type: ['access', 'denied'],
        outcome: 'failure',
        reason: 'not_owner',
        id,
        sequence: 184_223,
        severity: 73,
      },
      user: { id: event.subject },
      source: { address: '203.0.113.0/24', as: { number: 2856 }, geo: { country_iso_code: 'GB' } },
      related: { user: expect.arrayContaining([event.subject, event.owner, event.actor]) },
      mediaward: { index: 184_223, kind: 'access', reason: 'not_owner', recording: 'rec-001' },
    })
  })

  test('a list is as severe as the worst of its answers', () => {
    const severities = ENTRIES.filter(({ event }) => event.kind === 'listed').map(
      entry => (renderEcs(entry, DEPLOYMENT).event as { severity: number }).severity,
    )
    expect(severities).toContain(73)
    expect(severities).toContain(0)
  })
})
