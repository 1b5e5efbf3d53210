import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test("what the gate's user may not read is nobody's: a fault would tell that it is there", () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  chmodSync(folder, 0o777)
  chmodSync(tmpdir(), 0o711)
  const told: unknown = JSON.parse(
    execFileSync(process.execPath, ['test/support/closed-folder.ts', folder], { encoding: 'utf8' }),
  )
  expect(told).toEqual({
    folder: "nobody's, nobody's",
    unlisted: "nobody's, nobody's",
    facts: "nobody's, nobody's",
    open: 'patient-2, patient-2',
    nothing: 'not there, not there',
    'nothing, of a store that is closed': 'a fault, a fault',
  })
})
