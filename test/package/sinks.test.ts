import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readVariables } from '../../src/config/variables.ts'
import { SINK_TYPES, type SinkEntry } from '../../src/sinks/sink.ts'

// docs/sinks.md has an entry for each type, as an operator copies it.

const page = readFileSync('docs/sinks.md', 'utf8')
const entries = [...page.matchAll(/```json\n(\[[\s\S]*?)\n```/g)].map(([, json = '']) => json)
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

describe('docs/sinks.md', () => {
  test.each(entries)('the entry %s is a valid value of SINKS', json => {
    const names = [...json.matchAll(/\{"secret":"(\w+)"\}/g)].map(([, name = '']) => [name, secret])
    expect(readVariables({ SINKS: json, ...Object.fromEntries(names) }).sinks).toHaveLength(1)
  })

  test('has an entry of every type', () => {
    const types = entries.flatMap(json => (JSON.parse(json) as SinkEntry[]).map(({ type }) => type))
    expect(new Set(types)).toEqual(new Set(SINK_TYPES))
  })
})
