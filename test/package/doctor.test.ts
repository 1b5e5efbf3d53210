import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { expect, test } from 'vitest'
import { checksTable, documentedChecks } from '../support/checks-table.ts'

// docs/doctor.md lists the checks that there are. `npm run table` writes the table again, as does WRITE_TABLE=1 before a
// run of this file alone.

const PAGE = 'docs/doctor.md'

test('docs/doctor.md has the table of checks that is made from the code', () => {
  const page = readFileSync(PAGE, 'utf8')
  const begin = '<!-- made from the code: npm run table -->\n'
  const [before = '', rest = ''] = page.split(begin)
  const updated = `${before}${begin}${checksTable()}${rest.slice(rest.indexOf('<!-- end of it -->'))}`
  if (process.env.WRITE_TABLE !== undefined) writeFileSync(PAGE, updated)
  else expect(page).toBe(updated)
})

test('every check says in a sentence what it makes sure of, and no two of a group share a name', () => {
  const checks = documentedChecks()
  expect(checks.length).toBeGreaterThan(35)
  expect(checks.filter(([, , about]) => !/^[A-Z`].{10,}\.$/.test(about))).toEqual([])
  const names = checks.map(([group, check]) => `${group} ${check}`)
  expect(new Set(names).size).toBe(names.length)
})
