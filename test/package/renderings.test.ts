import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { renderCef } from '../../src/render/cef.ts'
import { renderEcs } from '../../src/render/ecs.ts'
import type { LogEntry, RenderedEvent } from '../../src/render/entry.ts'
import { renderFhir } from '../../src/render/fhir.ts'
import { renderOcsf } from '../../src/render/ocsf.ts'
import { otlpRequest, renderOtlp } from '../../src/render/otlp.ts'
import { DEPLOYMENT } from '../support/log-entries.ts'

// docs/renderings.md shows what the code writes. `npm run table` writes its examples again, as does WRITE_TABLE=1 before a run
// of this file alone.

const PAGE = 'docs/renderings.md'
const page = readFileSync(PAGE, 'utf8')

/** The record that docs/event.md shows. */
const [, example = ''] = /^```json\n(\{.*\})$/m.exec(readFileSync('docs/event.md', 'utf8')) ?? []
const event: RenderedEvent = JSON.parse(example)
const entry: LogEntry = { index: 184_223, id: event.id, event }
const ocsf = renderOcsf(entry, DEPLOYMENT)
const ecs = renderEcs(entry, DEPLOYMENT)
const cef = renderCef(entry, DEPLOYMENT)
const otlp = renderOtlp(entry)
const fhir = renderFhir(entry, DEPLOYMENT)

const json = (rendering: object) => ['json', JSON.stringify(rendering)] as const
const EXAMPLES = {
  ocsf: json(ocsf),
  ecs: json(ecs),
  cef: ['text', cef] as const,
  otlp: json(otlpRequest([otlp], event.gate.version, DEPLOYMENT)),
  fhir: json(fhir),
}

test.each(Object.entries(EXAMPLES))(
  'docs/renderings.md has the example of %s that the code writes',
  (name, [language, code]) => {
    const page = readFileSync(PAGE, 'utf8')
    const begin = `<!-- ${name}: made from the code: npm run table -->\n`
    const [before = '', rest = ''] = page.split(begin)
    const updated = `${before}${begin}\`\`\`${language}\n${code}\n\`\`\`\n${rest.slice(rest.indexOf('<!-- end of it -->'))}`
    if (process.env.WRITE_TABLE !== undefined) writeFileSync(PAGE, updated)
    else expect(page).toBe(updated)
  },
)

/** The rows of the table of members: each with its cells in OCSF, ECS, CEF and OTLP. */
const [, section = ''] = /^## Where a member goes\n([\s\S]*?)^## /m.exec(page) ?? []
const rows = section
  .split('\n')
  .filter(line => /^\| (`|index)/.test(line))
  .map(line => line.split('|').map(cell => cell.trim()))

const at = (value: unknown, path: string): unknown => {
  const whole = (value as Record<string, unknown> | undefined)?.[path]
  if (whole !== undefined || !path.includes('.')) return whole
  const [first = '', ...rest] = path.split('.')
  return at((value as Record<string, unknown> | undefined)?.[first], rest.join('.'))
}
const fields = Object.fromEntries(
  [...cef.matchAll(/[ |](\w+)=(\S*)/g)].map(([, name, value]) => [name, value]),
)
const attributes = otlp.attributes as { key: string; value: Record<string, unknown> }[]
const otlpFields = {
  ...otlp,
  ...Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
}
const RENDERINGS = [ocsf, ecs, fields, otlpFields]

describe('the table of members in docs/renderings.md', () => {
  test('the table has the members of the record that it shows', () => {
    expect(rows.length).toBeGreaterThan(20)
  })

  test.each(rows.map(cells => [cells[1] ?? '', cells] as const))(
    '%s is in the fields that the table names',
    (name, cells) => {
      const member = name.replaceAll('`', '')
      const value = at(member === 'index' ? entry : event, member)
      expect(value).toBeDefined()
      const time = Date.parse(`${value}`)
      // A time may be a number, a kind may have our name before it, and OCSF and ECS say a decision in words of their own.
      const forms = [
        `${value}`,
        `${time}`,
        `${time}000000`,
        `mediaward.${value}`,
        ...(value === 'deny' ? ['2', 'access,denied'] : []),
      ]
      for (const [column, rendering] of RENDERINGS.entries()) {
        const [, path] = /^`([^`]+)`/.exec(cells[column + 2] ?? '') ?? []
        if (path === undefined) continue
        expect([path, forms.includes(`${at(rendering, path)}`)]).toEqual([path, true])
      }
    },
  )
})
