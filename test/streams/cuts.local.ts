import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { createFolderStore } from '../../src/runtime/local/index.ts'
import { cuttable } from './cuts.ts'

const app: Hono = cuttable(createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-'))))
export default app
