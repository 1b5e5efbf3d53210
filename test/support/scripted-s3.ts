import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { BytesUnavailable } from '../../src/recordings/recording-store.ts'
import type { S3Options } from '../../src/runtime/s3/store.ts'

/** A server that answers as a test says, and remembers what it was asked. */
export interface ScriptedS3 {
  readonly options: S3Options
  /** What was asked, but for what is below. */
  readonly requests: readonly IncomingMessage[]
  /** What was asked to see whether conditions are kept. */
  readonly tries: readonly IncomingMessage[]
  /** The answers to those: one for each, the last for all that follow. By default they are kept. */
  conditions: readonly RequestListener[]
  stop(): Promise<void>
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
  const tries: IncomingMessage[] = []
  const server = createServer((request, response) => {
    const isTry = request.url?.includes('/.mediaward/conditions')
    const [asked, script] = isTry ? [tries, scripted.conditions] : [requests, answers]
    asked.push(request)
    script[Math.min(asked.length, script.length) - 1]?.(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const scripted: ScriptedS3 = {
    options: { endpoint: `http://127.0.0.1:${port}`, ...PRIVATE },
    requests,
    tries,
    conditions: [(_, response) => wrong(response, 412, 'PreconditionFailed')],
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  onTestFinished(() => scripted.stop())
  return scripted
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

/** Why a store gives no bytes of an object that may be there. */
export async function withheldBy(opening: Promise<unknown>): Promise<unknown> {
  const error = await faultOf(opening)
  expect(error).toBeInstanceOf(BytesUnavailable)
  return error.cause
}
