import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('systemd accepts every line of the unit in docs/one-machine.md', async () => {
  const [, documented = ''] =
    /```ini\n(\[Unit\][\s\S]*?)```/.exec(readFileSync('docs/one-machine.md', 'utf8')) ?? []
  expect(documented).toContain('ExecStart=/usr/bin/node ')
  const unit = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'mediaward.service')
  // It looks for the program too, which is elsewhere here.
  writeFileSync(unit, documented.replace('/usr/bin/node', process.execPath))
  const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', unit])
  expect(stdout + stderr).toBe('')
})
