/**
 * The least that streams from R2: no token is looked at, no owner, no header set. Asked with `?pipe` it streams the object
 * through a pipe, so that it could be cut.
 */
export const BARE = `
export default {
  async fetch(request, env, context) {
    const key = new URL(request.url).pathname.slice(1)
    const { body, size } = await env.RECORDINGS.get(key, { range: request.headers })
    if (request.url.endsWith('?pipe')) {
      const { readable, writable } = new FixedLengthStream(size)
      context.waitUntil(body.pipeTo(writable))
      return new Response(readable)
    }
    return new Response(body, { status: request.headers.has('range') ? 206 : 200 })
  },
}
`

/**
 * The least that writes durably: one call to a Durable Object, one row of 600 bytes, then the answer. Asked
 * with `?read` it first opens the object and closes it unread: whose it is stands nowhere else.
 */
export const BARE_INSERT = `
import { DurableObject } from 'cloudflare:workers'
const ROW = 'x'.repeat(600)
export class LedgerObject extends DurableObject {
  constructor(state, env) {
    super(state, env)
    state.storage.sql.exec('CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, json TEXT NOT NULL)')
  }
  record(json) {
    this.ctx.storage.sql.exec('INSERT INTO event (json) VALUES (?)', json)
  }
}
export default {
  async fetch(request, env) {
    if (request.url.endsWith('?read')) {
      const { body } = await env.RECORDINGS.get(new URL(request.url).pathname.slice(1))
      await body.cancel()
    }
    await env.LEDGER.get(env.LEDGER.idFromName('ledger')).record(ROW)
    return new Response('Not Found', { status: 404 })
  },
}
`

/** Puts the objects of the bench into a bucket: each PUT is one object, its metadata in a header. */
export const SEED = `
export default {
  async fetch(request, env) {
    const key = new URL(request.url).pathname.slice(1)
    const customMetadata = JSON.parse(request.headers.get('metadata'))
    const httpMetadata = { contentType: 'video/mp4' }
    await env.RECORDINGS.put(key, request.body, { customMetadata, httpMetadata })
    return new Response(null, { status: 204 })
  },
}
`
