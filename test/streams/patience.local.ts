import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { createFolderStore } from '../../src/runtime/local/index.ts'
import { impatient } from './patience.ts'

const app: Hono = impatient(createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-'))))
export default app
