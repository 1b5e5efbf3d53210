import { env } from 'cloudflare:workers'
import type { Bucket } from '../../src/runtime/cloudflare/bindings.ts'
import { r2Store } from '../../src/runtime/cloudflare/index.ts'
import { impatient } from '../streams/patience.ts'

const { RECORDINGS } = env as unknown as { RECORDINGS: Bucket }
export default impatient(r2Store(RECORDINGS))
