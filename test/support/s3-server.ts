import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http, {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import type { S3Options } from '../../src/runtime/s3/store.ts'

// Servers that speak S3, which others wrote.

/** A server with buckets of its own. */
export interface S3Server {
  /** An empty bucket that nobody else gets. */
  bucket(): S3Options
  stop(): Promise<void>
}

const CREDENTIALS = { accessKeyId: 'AKIDOFTHETESTS', secretAccessKey: 'secret/of+the/tests' }
const NAMES = Array.from({ length: 120 }, (_, i) => `bucket-${i}`)

/** R2's own S3 API, as Cloudflare simulates it: in workerd, behind the front of Miniflare. */
export async function r2OverS3(): Promise<S3Server> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 's3',
      modules: true,
      script: 'export default { fetch: () => new Response(null, { status: 404 }) }',
      compatibilityDate: '2026-10-20',
      r2Buckets: Object.fromEntries(NAMES.map(id => [id, { id, s3Credentials: CREDENTIALS }])),
      host: '127.0.0.1',
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: () => {},
    }),
  )
  const { href } = new URL('/cdn-cgi/local/r2/s3', await miniflare.ready)
  return { bucket: buckets(href), stop: () => miniflare.dispose() }
}

/**
 * s3rver: S3 in Node, on files. It ignores `If-None-Match` and `If-Match` of a PUT.
 *
 * @param conditions another server stands in front, and keeps to them
 */
export async function s3rver({ conditions }: { conditions: boolean }): Promise<S3Server> {
  const S3rver: S3rver = createRequire(import.meta.url)('@20minutes/s3rver')
  const directory = await mkdtemp(join(tmpdir(), 'mediaward-s3rver-'))
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: NAMES.map(name => ({ name, configs: [] })),
  })
  const { port } = await server.run()
  const front = createServer(keepingConditions(port)).listen(0, '127.0.0.1')
  await once(front, 'listening')
  return {
    bucket: buckets(`http://127.0.0.1:${conditions ? (front.address() as AddressInfo).port : port}`, {
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
    }),
    async stop() {
      front.close()
      await server.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** The part of s3rver that is needed; it has no types. */
type S3rver = new (options: object) => { run(): Promise<{ port: number }>; close(): Promise<void> }

/**
 * Hands everything on as it is, but for what stores an object whose condition doesn't hold: those of one key come one at
 * a time.
 */
function keepingConditions(port: number): RequestListener {
  const tags = new Map<string, string>()
  const turns = new Map<string, Promise<void>>()
  const handOn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url: path = '', headers } = request
    const key = storedBy(request)
    const tag = key === undefined ? undefined : tags.get(key)
    const holds =
      (headers['if-none-match'] === undefined || tag === undefined) &&
      (headers['if-match'] === undefined || tag === headers['if-match'])
    if (key !== undefined && !holds) {
      request.resume()
      response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>')
      return
    }
    if (method === 'DELETE') tags.delete(path)
    const onward = http.request({ host: '127.0.0.1', port, method, path, headers })
    const answered = once(onward, 'response') as Promise<[IncomingMessage]>
    await Promise.all([
      pipeline(request, onward),
      answered.then(async ([answer]) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        let text = ''
        if (key !== undefined) answer.on('data', (chunk: Buffer) => (text += chunk))
        await pipeline(answer, response)
        const told = answer.headers.etag ?? /<ETag>(.*)<\/ETag>/.exec(text)?.[1]?.replaceAll('&quot;', '"')
        if (key !== undefined && answer.statusCode === 200) tags.set(key, told ?? '')
      }),
    ])
  }
  return (request, response) => {
    const key = storedBy(request) ?? randomUUID()
    const turn = (turns.get(key) ?? Promise.resolve())
      .then(() => handOn(request, response))
      .catch(() => void response.destroy())
    turns.set(key, turn)
  }
}

/** The key of the object that a request stores: at once, or of its pieces. */
function storedBy({ method, url = '' }: IncomingMessage): string | undefined {
  const [key, query = ''] = url.split('?')
  const stores = method === 'PUT' ? query === '' : method === 'POST' && query.startsWith('uploadId=')
  return stores ? key : undefined
}

function buckets(endpoint: string, credentials = CREDENTIALS): () => S3Options {
  const free = NAMES.values()
  return () => {
    const { value: bucket } = free.next()
    if (bucket === undefined) throw new Error('this server has no buckets left')
    return { endpoint, bucket, ...credentials }
  }
}
