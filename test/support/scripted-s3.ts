import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import type { S3Options } from '../../src/runtime/local/s3-store.ts'

/** A server that answers as a test says, and remembers what it was asked. */
export interface ScriptedS3 {
  readonly options: S3Options
  /** Every request, but for the one with which a store tries whether conditions are kept. */
  readonly requests: readonly IncomingMessage[]
}

/** What no error may hold. */
const PRIVATE = {
  bucket: 'private-bucket',
  accessKeyId: 'AKIAPRIVATE',
  secretAccessKey: 'wJalrPRIVATEsecret',
}
export const KEY = 'recordings/rec-of-patient-9'

/** The headers of a stored object of `size` bytes. */
export function stored(size: number, more: Record<string, string> = {}): Record<string, string> {
  return {
    etag: '"e1"',
    'last-modified': 'Wed, 25 Nov 2026 03:00:00 GMT',
    'content-length': String(size),
    'content-type': 'video/mp4',
    'x-amz-meta-mw-owner': 'patient-9',
    ...more,
  }
}

/** An answer that says what is wrong, as S3 does: with everything that must not be told. */
export function wrong(response: ServerResponse, status: number, code: string): void {
  const { bucket, accessKeyId } = PRIVATE
  response
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(
      `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${KEY} in ${bucket}</Message><AWSAccessKeyId>${accessKeyId}</AWSAccessKeyId><Resource>/${bucket}/${KEY}</Resource></Error>`,
    )
}

/**
 * Starts a server for the time of a test.
 *
 * @param answers one for each request; the last one answers all that follow
 */
export async function scriptedS3(...answers: RequestListener[]): Promise<ScriptedS3> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/.mediaward/conditions')) return wrong(response, 412, 'PreconditionFailed')
    requests.push(request)
    answers[Math.min(requests.length, answers.length) - 1]?.(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { options: { endpoint: `http://127.0.0.1:${port}`, ...PRIVATE }, requests }
}

/** What a promise fails with, after a look that it holds nothing private, in no corner. */
export async function faultOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    value => expect.fail(`it resolved to ${inspect(value)}`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw error
  const corners = [
    inspect(error, { depth: 20, showHidden: true }),
    error.stack,
    error.message,
    String(error.cause),
  ]
  for (const secret of [...Object.values(PRIVATE), KEY, 'rec-of-patient', 'http://', 'Signature=']) {
    expect(corners.join('\n')).not.toContain(secret)
  }
  return error
}
