import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('a folder store finds no owner of a recording that its user may not read, since a fault would reveal it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  chmodSync(folder, 0o777)
  chmodSync(tmpdir(), 0o711)
  const owners: unknown = JSON.parse(
    execFileSync(process.execPath, ['test/support/closed-folder.ts', folder], { encoding: 'utf8' }),
  )
  expect(owners).toEqual({
    folder: 'unowned, unowned',
    unlisted: 'unowned, unowned',
    facts: 'unowned, unowned',
    open: 'patient-2, patient-2',
    nothing: 'not there, not there',
    'nothing, of a store that is closed': 'a fault, a fault',
  })
})
