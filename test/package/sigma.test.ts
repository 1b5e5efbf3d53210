import { existsSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { RULES } from '../../src/watch/rules/rules.ts'
import { recordSchema, type SchemaPart } from '../support/record-schema.ts'

// The rules as others can run them, checked against the schemas of SigmaHQ if they are beside the checkout.

const SCHEMAS = new URL('../../../shared/schemas/sigma/', import.meta.url)
const here = existsSync(SCHEMAS)

interface SigmaRule {
  readonly title: string
  readonly id: string
  readonly name?: string
  readonly level: string
  readonly references: readonly string[]
  readonly detection?: Readonly<Record<string, string | Readonly<Record<string, unknown>>>>
  readonly correlation?: {
    readonly type: string
    readonly rules: readonly string[]
    readonly 'group-by'?: readonly string[]
    readonly timespan: string
    readonly condition?: { readonly field?: string; readonly gte: number }
  }
}

const documents = parseAllDocuments(readFileSync('docs/sigma/mediaward.yml', 'utf8'))
const sigma = documents.map(document => document.toJS() as SigmaRule)

test('each rule of the gate is there in Sigma, with an id of its own', () => {
  expect(documents.flatMap(({ errors }) => errors)).toEqual([])
  const named = new Set(sigma.flatMap(({ references }) => references))
  expect([...named].toSorted()).toEqual(RULES.map(({ id }) => `mediaward:${id}`))
  expect(new Set(sigma.map(({ id }) => id)).size).toBe(sigma.length)
})

test('each correlation is of rules that are there, and has the threshold and the window of the gate', () => {
  const names = sigma.flatMap(({ name }) => name ?? [])
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
  for (const { title, references, correlation } of sigma) {
    if (correlation === undefined) continue
    expect(names, title).toEqual(expect.arrayContaining([...correlation.rules]))
    const rule = RULES.find(({ id }) => references.includes(`mediaward:${id}`))
    const seconds = Number.parseInt(correlation.timespan, 10) * (units[correlation.timespan.slice(-1)] ?? 0)
    if (rule?.window === undefined || rule.id === 'RG-022') continue
    expect(seconds * 1000, title).toBe(rule.window)
    // RG-015 is a share, which Sigma can't say, and RG-009 is an order.
    if (rule.id !== 'RG-015' && rule.id !== 'RG-009')
      expect(correlation.condition?.gte, title).toBe(rule.threshold)
  }
})

test('each field is a member of a record', () => {
  const members = membersOf(recordSchema.$defs)
  // Of kinds that are to come.
  for (const name of ['problem']) members.add(name)
  const fields = sigma.flatMap(({ detection = {}, correlation }) => [
    ...Object.values(detection).flatMap(search => (typeof search === 'object' ? Object.keys(search) : [])),
    ...(correlation?.['group-by'] ?? []),
    ...(correlation?.condition?.field ?? '').split(' ').filter(Boolean),
  ])
  expect(fields.length).toBeGreaterThan(50)
  const unknown = fields
    .flatMap(field => field.replace(/\|.*/, '').split('.'))
    .filter(name => !members.has(name))
  expect(unknown).toEqual([])
})

describe('what is "1 of them"', () => {
  const CANARY = 'canary-recording-id'
  const disputed = [{ recording: 'rec-1', decision: 'permit', disputed: true }]

  test.each<[name: string, record: object]>([
    ['mediaward_canary', { kind: 'access', recording: CANARY }],
    ['mediaward_canary', { kind: 'view', recording: CANARY }],
    ['mediaward_canary', { kind: 'listed', answers: [{ recording: 'rec-1' }, { recording: CANARY }] }],
    ['mediaward_canary', { kind: 'access', asked: { questions: 2, recordings: ['rec-1', CANARY] } }],
    ['mediaward_disputed_owner', { kind: 'listed', answers: [{ recording: 'rec-2' }, ...disputed] }],
    ['mediaward_disputed_owner', { kind: 'view', disputed: true }],
    ['mediaward_disputed_owner', { kind: 'binding', previous: 'other_owner' }],
    ['mediaward_disputed_owner', { kind: 'access', reason: 'binding_conflict' }],
  ])('%s matches %j', (name, record) => expect(matches(name, record)).toBe(true))

  test.each<[name: string, record: object]>([
    // What the gate itself records of a canary is no touch: it would be found again and again.
    ['mediaward_canary', { kind: 'finding', recording: CANARY }],
    ['mediaward_canary', { kind: 'lockdown', recording: CANARY }],
    ['mediaward_canary', { kind: 'binding', recording: CANARY }],
    ['mediaward_canary', { kind: 'view', recording: 'rec-1' }],
    ['mediaward_canary', { kind: 'access', asked: { questions: 1, recordings: ['rec-1'] } }],
    ['mediaward_disputed_owner', { kind: 'listed', answers: [{ recording: 'rec-2' }] }],
    ['mediaward_disputed_owner', { kind: 'binding', previous: 'same_owner' }],
  ])('%s does not match %j', (name, record) => expect(matches(name, record)).toBe(false))

  test('the canary is looked for in the kinds that the rule looks at', () => {
    const touched = sigma.find(({ name }) => name === 'mediaward_canary')?.detection?.touched
    expect(touched).toMatchObject({ kind: RULES.find(({ id }) => id === 'RG-040')?.kinds })
  })
})

describe.skipIf(!here)('the schemas of SigmaHQ', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  const compile = (file: string) => ajv.compile(JSON.parse(readFileSync(new URL(file, SCHEMAS), 'utf8')))
  const isRule = here ? compile('sigma-rule.json') : undefined
  const isCorrelation = here ? compile('sigma-corr.json') : undefined

  test.each(sigma)('have nothing against: $title', rule => {
    const validate = rule.correlation === undefined ? isRule : isCorrelation
    validate?.(rule)
    expect(validate?.errors ?? []).toEqual([])
  })
})

/** The names of all members that a schema knows, at whatever depth. */
function membersOf(parts: Readonly<Record<string, SchemaPart>>): Set<string> {
  const names = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const { properties } = value as SchemaPart
    for (const name in properties) names.add(name)
    for (const one of Object.values(value)) visit(one)
  }
  visit(parts)
  return names
}

/** Whether one of the searches of a rule matches a record: all of its fields, each with one of its values. */
function matches(name: string, record: object): boolean {
  const { condition, ...searches } = sigma.find(one => one.name === name)?.detection ?? {}
  expect(condition).toBe('1 of them')
  return Object.values(searches).some(search =>
    Object.entries(search).every(([field, wanted]) => {
      const found = field
        .split('.')
        .reduce<readonly unknown[]>((all, member) => all.flatMap(one => Object(one)[member] ?? []), [record])
      return [wanted].flat().some(value => found.includes(value))
    }),
  )
}
