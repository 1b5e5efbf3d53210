import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogEntry } from '../../../src/render/entry.ts'
import { otlpRequest, renderOtlp } from '../../../src/render/otlp.ts'
import { arbitraryEntry, DEPLOYMENT, ENTRIES, entryOf } from '../../support/log-entries.ts'
import { mutated, sent } from '../../support/rendering.ts'
import { sample } from '../../support/sample.ts'

// Against the message types that OpenTelemetry generated with protobufjs from the .proto files of OTLP. A request that is
// encoded, decoded and written as JSON again must be the same: a member that OTLP doesn't know, or of another type, is not.

interface MessageType {
  fromObject(object: object): unknown
  encode(message: unknown): { finish(): Uint8Array }
  decode(bytes: Uint8Array): unknown
  toObject(message: unknown, options: object): object
}
const require = createRequire(import.meta.url)
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root.js') as {
  opentelemetry: { proto: { collector: { logs: { v1: { ExportLogsServiceRequest: MessageType } } } } }
}
const Request = opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest

/** An empty list is the same as none (proto3), so it comes back as none. */
const withoutEmptyLists = (_: string, value: unknown) =>
  Array.isArray(value) && value.length === 0 ? undefined : value

const render = (entry: LogEntry) => sent(otlpRequest([renderOtlp(entry)], '0.7.0', DEPLOYMENT))

function again(request: object): object {
  const bytes = Request.encode(Request.fromObject(request)).finish()
  return JSON.parse(JSON.stringify(Request.toObject(Request.decode(bytes), { longs: String })))
}
function isAccepted(request: object): boolean {
  try {
    expect(again(request)).toEqual(JSON.parse(JSON.stringify(request, withoutEmptyLists)))
    return true
  } catch {
    return false
  }
}

describe('the message types of OTLP', () => {
  test('OTLP has every member of a rendering of every kind, for every reason, however much the record says', () => {
    for (const entry of ENTRIES) {
      const request = render(entry)
      expect(again(request)).toEqual(JSON.parse(JSON.stringify(request, withoutEmptyLists)))
    }
  })

  test('OTLP has every member of a rendering of any record', () => {
    fc.assert(
      fc.property(arbitraryEntry, entry => {
        const request = render(entry)
        expect(again(request)).toEqual(JSON.parse(JSON.stringify(request, withoutEmptyLists)))
      }),
      sample(200, 20_000),
    )
  })

  type Record_ = Record<string, unknown>
  const logRecord = (request: { resourceLogs: { scopeLogs: { logRecords: Record_[] }[] }[] }) =>
    request.resourceLogs[0]?.scopeLogs[0]?.logRecords[0] ?? {}
  test.each<[string, (record: Record_) => void]>([
    ['a member that does not exist', record => Object.assign(record, { severity: 13 })],
    [
      'a name in snake case',
      record => Object.assign(record, { event_name: record.eventName, eventName: undefined }),
    ],
    ['a time as a number', record => Object.assign(record, { timeUnixNano: 1_795_343_043 })],
    ['a time that is no number', record => Object.assign(record, { timeUnixNano: '2026-11-23' })],
    ['a severity as a string', record => Object.assign(record, { severityNumber: '17' })],
    ['a body that is a string', record => Object.assign(record, { body: 'Request refused' })],
    ['a value without a type', record => Object.assign(record, { attributes: [{ key: 'a', value: 'b' }] })],
    [
      'an integer as a number',
      record => Object.assign(record, { attributes: [{ key: 'a', value: { intValue: 7 } }] }),
    ],
    [
      'a list without values',
      record => Object.assign(record, { attributes: [{ key: 'a', value: { arrayValue: ['b'] } }] }),
    ],
    ['attributes as an object', record => Object.assign(record, { attributes: { a: { stringValue: 'b' } } })],
  ])('OTLP rejects a rendering with %s', (_, mutation) => {
    const request = render(entryOf('access'))
    expect(isAccepted(request)).toBe(true)
    expect(isAccepted(mutated(request, (copy: never) => mutation(logRecord(copy))))).toBe(false)
  })
})

describe('renderOtlp', () => {
  test('a refusal carries index, id, kind, reason and time', () => {
    const { id } = entryOf('access')
    const record = sent(renderOtlp(entryOf('access')))
    expect(record).toMatchObject({
      timeUnixNano: `${Date.parse('2026-11-23T02:58:22.181Z')}000000`,
      severityNumber: 17,
      severityText: 'ERROR',
      eventName: 'mediaward.access',
      body: { stringValue: 'Request refused: not_owner' },
      attributes: expect.arrayContaining([
        { key: 'log.record.uid', value: { stringValue: id } },
        { key: 'error.type', value: { stringValue: 'not_owner' } },
        { key: 'mediaward.index', value: { intValue: '184223' } },
        { key: 'mediaward.kind', value: { stringValue: 'access' } },
        { key: 'mediaward.reason', value: { stringValue: 'not_owner' } },
      ]),
    })
  })

  test('no attribute has the name of another', () => {
    for (const entry of ENTRIES) {
      const keys = (renderOtlp(entry).attributes as { key: string }[]).map(({ key }) => key)
      expect(new Set(keys).size).toBe(keys.length)
    }
  })

  test('a request names the deployment, and holds its records in their order', () => {
    const records = ENTRIES.slice(0, 3).map(renderOtlp)
    const request = sent(otlpRequest(records, '0.7.0', DEPLOYMENT))
    expect(request).toMatchObject({
      resourceLogs: [
        {
          resource: {
            attributes: expect.arrayContaining([
              { key: 'service.name', value: { stringValue: 'Mediaward' } },
            ]),
          },
          scopeLogs: [{ logRecords: sent(records) }],
        },
      ],
    })
  })
})
