import { Hono } from 'hono'
import { mediaward, type OpenedPart, type RecordingStore } from '../../src/index.ts'
import { createMemoryControl, createMemoryLedger } from '../../src/runtime/memory/index.ts'
import { PSEUDONYM_KEY } from '../support/issuer.ts'
import { storeWith } from '../support/store-with.ts'
import { issuer } from '../workerd/issuer.ts'

/** Bytes of every recording. */
export const SIZE: number = 48 * 2 ** 20
const CHUNK = 2 ** 20

async function* chunks(): AsyncIterable<Uint8Array> {
  for (let sent = 0; sent < SIZE; sent += CHUNK) yield new Uint8Array(CHUNK).fill(7)
}

/**
 * An app with a gate whose streams can be cut from outside: `POST /cuts/NAME` cuts what is sent of a recording, and
 * `GET /cuts/NAME` says what is known to have been taken of each body. `POST /recordings-of-the-test/NAME` stores one.
 */
export function cuttable(store: RecordingStore): Hono {
  const opened = new Map<string, OpenedPart[]>()
  const outcomes = new Map<string, unknown[]>()
  const app = new Hono()
  app.post('/recordings-of-the-test/:name', async context => {
    const ownership = { owner: 'patient-1', issuer: issuer.issuer }
    const options = { size: SIZE, contentType: 'video/mp4', ownership, replaces: null }
    await store.put(`recordings/${context.req.param('name')}`, chunks(), options)
    return context.body(null, 201)
  })
  app.post('/cuts/:name', context => {
    for (const { cut } of opened.get(`recordings/${context.req.param('name')}`) ?? []) cut?.()
    return context.body(null, 204)
  })
  app.get('/cuts/:name', context =>
    context.json(outcomes.get(`recordings/${context.req.param('name')}`) ?? []),
  )
  app.use(
    mediaward({
      issuers: [issuer],
      pseudonymKey: PSEUDONYM_KEY,
      ledger: createMemoryLedger(),
      control: createMemoryControl(),
      store: storeWith(store, {
        open: async (key, range) => {
          const part = await store.open(key, range)
          if (part === null) return part
          opened.set(key, [...(opened.get(key) ?? []), part])
          const known = outcomes.get(key) ?? []
          outcomes.set(key, known)
          void part.taken?.then(taken => known.push(taken))
          return part
        },
      }),
    }),
  )
  return app
}
