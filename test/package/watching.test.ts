import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { ALERT_TYPES, type AlertEntry } from '../../src/alerts/alert.ts'
import { readCast } from '../../src/cli/drill/remote-stage.ts'
import { checkIssuers } from '../../src/config/check-issuers.ts'
import { readVariables } from '../../src/config/variables.ts'
import { rulesTable } from '../support/rules-table.ts'

// docs/watching.md has what the code has: the rules, an entry for each type of receiver, and files as they are read. `npm run
// table` writes the table again, as does WRITE_TABLE=1 before a run of this file alone.

const PAGE = 'docs/watching.md'
const page = readFileSync(PAGE, 'utf8')
const blocks = [...page.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, json = '']) => json)
const alerts = blocks.filter(json => json.includes('"secret"'))
/** A secret that each type takes: Slack and Teams have an address as theirs. */
const secretOf = (json: string) =>
  /"(slack|teams)"/.test(json)
    ? 'https://hooks.clinic-seven.org/1'
    : `whsec_${Buffer.alloc(32, 1).toString('base64')}`

test('docs/watching.md has the table of rules that is made from the code', () => {
  const begin = '<!-- made from the code: npm run table -->\n'
  const [before = '', rest = ''] = page.split(begin)
  const updated = `${before}${begin}${rulesTable()}${rest.slice(rest.indexOf('<!-- end of it -->'))}`
  if (process.env.WRITE_TABLE !== undefined) writeFileSync(PAGE, updated)
  else expect(page).toBe(updated)
})

describe('docs/watching.md, ALERTS', () => {
  test.each(alerts)('the entry %s is a valid value of ALERTS', json => {
    const names = [...json.matchAll(/\{"secret":"(\w+)"\}/g)].map(([, name = '']) => [name, secretOf(json)])
    expect(readVariables({ ALERTS: json, ...Object.fromEntries(names) }).alerts).toHaveLength(1)
  })

  test('has an entry of every type', () => {
    const types = alerts.flatMap(json => (JSON.parse(json) as AlertEntry[]).map(({ type }) => type))
    expect(new Set(types)).toEqual(new Set(ALERT_TYPES))
  })
})

test('the file of tokens that docs/watching.md shows is one that a drill reads', () => {
  const [file = ''] = blocks.filter(json => json.includes('"subjects"'))
  const path = `${process.env.TMPDIR ?? '/tmp'}/mediaward-cast-${process.pid}.json`
  writeFileSync(path, file)
  expect(readCast(path).subjects).toHaveLength(3)
})

test('the roles that docs/watching.md gives an issuer are roles', () => {
  const [entry = '{}'] = blocks.filter(json => json.includes('"roles"'))
  const issuer = { audience: 'recordings', algorithms: ['ES256'], ...JSON.parse(entry) }
  expect(checkIssuers([issuer], {}) ?? []).toEqual([])
})
