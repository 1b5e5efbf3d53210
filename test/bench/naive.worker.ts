import { Hono } from 'hono'
import { jwk } from 'hono/jwk'
import type { HonoJsonWebKey } from 'hono/utils/jwt/jws'

// What a team writes in an afternoon: the framework's own middleware, a look at the owner, then the bytes.

interface StoredFacts {
  readonly size: number
  readonly httpEtag: string
  readonly customMetadata?: Readonly<Record<string, string>>
}

interface Stored extends StoredFacts {
  readonly body: ReadableStream<Uint8Array>
  readonly range: { readonly offset: number; readonly length: number }
  writeHttpMetadata(headers: Headers): void
}

interface Bindings {
  readonly RECORDINGS: {
    head(key: string): Promise<StoredFacts | null>
    get(key: string, options: { range: Headers }): Promise<Stored | null>
  }
  readonly KEYS: string
}

interface Environment {
  Bindings: Bindings
  Variables: { jwtPayload: { sub?: string } }
}

let keys: HonoJsonWebKey[] | undefined

const app: Hono<Environment> = new Hono<Environment>()
app.use(
  '/recordings/*',
  jwk({
    keys: context => {
      keys ??= JSON.parse((context.env as Bindings).KEYS) as HonoJsonWebKey[]
      return keys
    },
    alg: ['ES256'],
  }),
)
app.get('/recordings/:id', async context => {
  const key = `recordings/${context.req.param('id')}`
  const facts = await context.env.RECORDINGS.head(key)
  if (facts === null) return context.notFound()
  if (facts.customMetadata?.['mw-owner'] !== context.get('jwtPayload').sub) {
    return context.text('Forbidden', 403)
  }
  const object = await context.env.RECORDINGS.get(key, { range: context.req.raw.headers })
  if (object === null) return context.notFound()
  const headers = new Headers({ 'Accept-Ranges': 'bytes', ETag: object.httpEtag })
  object.writeHttpMetadata(headers)
  if (context.req.header('range') === undefined) return new Response(object.body, { headers })
  const { offset, length } = object.range
  headers.set('Content-Range', `bytes ${offset}-${offset + length - 1}/${object.size}`)
  return new Response(object.body, { status: 206, headers })
})

export default app
