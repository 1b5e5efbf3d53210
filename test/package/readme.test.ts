import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { VARIABLES } from '../../src/config/variables.ts'
import { LOCAL_VARIABLES } from '../../src/runtime/local/local-variables.ts'

// What the pages say of variables holds.

const configuration = readFileSync('docs/configuration.md', 'utf8')

test('every variable that is read is in the table, and no other', () => {
  const rows = [...configuration.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(match => match[1])
  expect(rows.sort()).toEqual(Object.keys(VARIABLES).sort())
})

test('every variable of one machine is in its table, and no other', () => {
  const cells = [
    ...readFileSync('docs/one-machine.md', 'utf8').matchAll(/^\| ((?:`[A-Z0-9_]+`(?:, )?)+) \|/gm),
  ]
  const names = cells.flatMap(([, cell = '']) => cell.replaceAll('`', '').split(', '))
  expect(names.sort()).toEqual([...LOCAL_VARIABLES].sort())
})
