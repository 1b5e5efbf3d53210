import { globSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { expect, test } from 'vitest'
import { intendedVariable } from '../../src/config/unknown-variables.ts'
import { variablesOf } from '../../src/config/variables.ts'
import { ALL_OPTIONS, documentedOptions, optionsTables } from '../support/options-tables.ts'

// The pages say of options what the code does. `npm run table` writes the tables again, as does WRITE_TABLE=1 before a
// run of this file alone.

const PAGE = 'docs/configuration.md'

test.each([...optionsTables()])(
  'docs/configuration.md has the table "%s" that is made from the code',
  (name, table) => {
    const page = readFileSync(PAGE, 'utf8')
    const begin = `<!-- made from the code, ${name}: npm run table -->\n`
    const [before = '', rest] = page.split(begin)
    expect(rest, `the comment before the table of ${name}`).toBeDefined()
    const after = rest?.slice(rest.indexOf('<!-- end of it -->'))
    const updated = `${before}${begin}${table}${after}`
    if (process.env.WRITE_TABLE !== undefined) writeFileSync(PAGE, updated)
    else expect(page).toBe(updated)
  },
)

test('every option is documented, and every default that a comment names is the one in effect', () => {
  const documented = documentedOptions()
  const wrong = Object.entries(ALL_OPTIONS).filter(([name, { default: value }]) => {
    const { meaning = '', defaultValue } = documented.get(name) ?? {}
    if (!/^[A-Z`].*\.$/.test(meaning)) return true
    const isPlain = typeof value === 'number' || typeof value === 'string'
    return isPlain && defaultValue !== undefined && defaultValue !== `\`${value}\``
  })
  expect(wrong.map(([name]) => name)).toEqual([])
})

test("no page names a variable that looks like one of Mediaward's but is not read", () => {
  // The commands read one more.
  const known = [...variablesOf(ALL_OPTIONS), 'MEDIAWARD_TOKEN']
  const pages = ['README.md', 'SECURITY.md', ...globSync('docs/*.md')]
  const named = pages.flatMap(page =>
    [...readFileSync(page, 'utf8').matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g)].map(([name]) => name),
  )
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter(name => intendedVariable(name, known) !== undefined)).toEqual([])
})
