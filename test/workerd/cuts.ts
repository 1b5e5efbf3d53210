import { env } from 'cloudflare:workers'
import type { Bucket } from '../../src/runtime/cloudflare/bindings.ts'
import { createR2Store } from '../../src/runtime/cloudflare/index.ts'
import { cuttable } from '../streams/cuts.ts'

const { RECORDINGS } = env as unknown as { RECORDINGS: Bucket }
export default cuttable(createR2Store(RECORDINGS))
