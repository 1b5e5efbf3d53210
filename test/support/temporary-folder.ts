import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/**
 * Gives a run of the tests a folder of its own for everything temporary, of its programs' too, and takes it away at the
 * end: large recordings are stored in it. The programs keep their compiled code there: hundreds of them are started, and
 * half a second of each was for stripping the same types.
 */
export default function temporaryFolder(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-tests-'))
  process.env.TMPDIR = folder
  process.env.NODE_COMPILE_CACHE = join(folder, 'compile-cache')
  return () => rmSync(folder, { recursive: true, force: true })
}
