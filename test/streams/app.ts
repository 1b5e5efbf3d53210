import { Hono } from 'hono'
import { mediaward } from '../../src/index.ts'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { PSEUDONYM_KEY } from '../support/issuer.ts'
import { storeWith } from '../support/store-with.ts'
import { issuer } from '../workerd/issuer.ts'

// An app whose store tells what becomes of a body that it hands out: how much of it was asked for, and whether it was
// told that nobody reads on. The same file is served by workerd, Deno and Node.

/** Bytes of every recording. */
const SIZE = 256 * 2 ** 20
const CHUNK = 64 * 1024
/** After so many bytes the recording `failing` fails. */
const FAILS_AFTER = 8 * CHUNK

const bodies = new Map<string, { pulled: number; cancelled: boolean }>()

function body(name: string): ReadableStream<Uint8Array> {
  const state = { pulled: 0, cancelled: false }
  bodies.set(name, state)
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await new Promise(resolve => setTimeout(resolve, 0))
        if (name.endsWith('failing') && state.pulled >= FAILS_AFTER) throw new Error('the disk is gone')
        state.pulled += CHUNK
        controller.enqueue(new Uint8Array(CHUNK))
        if (state.pulled >= SIZE) controller.close()
      },
      cancel() {
        state.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
}

const facts = {
  size: SIZE,
  etag: '"1"',
  modified: 0,
  contentType: 'video/mp4',
  ownership: { owner: 'patient-1' },
}
const store = storeWith(createMemoryStore(), {
  find: async () => facts,
  open: async key => ({ ...facts, range: { offset: 0, length: SIZE }, body: body(key) }),
})
const gate = mediaward({
  issuers: [issuer],
  pseudonymKey: PSEUDONYM_KEY,
  store,
  ledger: createMemoryLedger(),
  control: createMemoryControl(),
})

const app: Hono = new Hono()
app.get('/bodies/:name', context =>
  context.json(bodies.get(`recordings/${context.req.param('name')}`) ?? null),
)
app.use(gate)
export default app
