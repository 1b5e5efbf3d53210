import process from 'node:process'
import type { Hono } from 'hono'
import { createS3Store, type S3Options } from '../../src/runtime/s3/store.ts'
import { cuttable } from './cuts.ts'

const app: Hono = cuttable(createS3Store(JSON.parse(process.env.TEST_S3 ?? '') as S3Options))
export default app
