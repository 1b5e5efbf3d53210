import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, test, vi } from 'vitest'
import { createGate } from '../../src/index.ts'
import { createR2Store } from '../../src/runtime/cloudflare/index.ts'
import { createMemoryControl, createMemoryLedger } from '../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY } from '../support/issuer.ts'

beforeEach(() => reset())

test('the patient of an R2 object that another tool stored in gzip gets 415, and another patient 404', async () => {
  const said = vi.spyOn(console, 'error').mockReturnValue()
  const { jwks, issuer, audience, bearer } = await createIssuer()
  const ledger = createMemoryLedger()
  const gate = createGate({
    issuers: [{ issuer, audience, algorithms: ['ES256'], jwks: jwks as never }],
    pseudonymKey: PSEUDONYM_KEY,
    ledger,
    control: createMemoryControl(),
    store: createR2Store(env.RECORDINGS),
  })
  await env.RECORDINGS.put('recordings/rec-1', 'packed', {
    httpMetadata: { contentType: 'video/mp4', contentEncoding: 'gzip' },
    customMetadata: { 'mw-owner': 'patient-1', 'mw-issuer': issuer },
  })
  const ask = async (subject: string, method: string, range?: string) => {
    const headers = { ...(await bearer(subject)), ...(range !== undefined && { range }) }
    const request = new Request('https://gate.test/recordings/rec-1', { method, headers })
    const response = await gate.fetch(request, () => {})
    const { entries } = await ledger.read({ limit: 100, kind: 'access' })
    const { reason } = JSON.parse(entries.at(-1)?.json ?? '{}') as { reason?: string }
    return [response.status, response.headers.get('retry-after'), response.headers.get('etag'), reason]
  }
  for (const [method, range] of [['GET'], ['GET', 'bytes=0-1'], ['HEAD']] as const) {
    expect(await ask('patient-1', method, range)).toEqual([415, null, null, 'encoding_unsupported'])
    expect(await ask('patient-2', method, range)).toEqual([404, null, null, 'not_owner'])
  }
  expect(said.mock.calls.flat().join()).toContain('store it again without')
})
