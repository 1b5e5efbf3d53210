import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, test, vi } from 'vitest'
import {
  agreeing,
  createGate,
  type MediawardOptions,
  type OwnerLookup,
  stampedOwners,
} from '../../src/index.ts'
import { createR2Store } from '../../src/runtime/cloudflare/index.ts'
import { createMemoryControl, createMemoryLedger } from '../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY } from '../support/issuer.ts'

// The example of docs/owners.md over D1, as it is on the page.

// Names in variables: only vite can resolve them.
const [EXAMPLE, TABLE] = ['docs/owners.md#owner-d1', 'docs/owners.md#recordings']
const { owner } = (await import(EXAMPLE)) as { owner: OwnerLookup }
const { default: table } = (await import(TABLE)) as { default: string }

let said: string[]
beforeEach(async () => {
  await reset()
  await env.DB.prepare(table).run()
  said = []
  vi.spyOn(console, 'error').mockImplementation((...values) => void said.push(values.join()))
})

const insert = (recording: string, patient: string, tenant: string | null = null) =>
  env.DB.prepare('INSERT OR REPLACE INTO recordings VALUES (?, ?, ?)').bind(recording, patient, tenant).run()

/** A gate over R2 with the recording `rec-1`, stamped with `patient-1`. Asks for it. */
async function asking(options: Partial<MediawardOptions> = {}, tenant_claim?: string) {
  const { jwks, issuer, audience, bearer } = await createIssuer()
  const ledger = createMemoryLedger()
  const algorithms = ['ES256' as const]
  const gate = createGate({
    issuers: [
      {
        issuer,
        audience,
        algorithms,
        jwks: jwks as never,
        ...(tenant_claim !== undefined && { tenant_claim }),
      },
    ],
    pseudonymKey: PSEUDONYM_KEY,
    store: createR2Store(env.RECORDINGS),
    ledger,
    control: createMemoryControl(),
    owner,
    ...options,
  })
  await env.RECORDINGS.put('recordings/rec-1', 'the recording', {
    customMetadata: { 'mw-owner': 'patient-1' },
  })
  return async (subject: string, claims: object = {}, recording = 'rec-1') => {
    const headers = await bearer(subject, { ...claims })
    const request = new Request(`https://gate.test/recordings/${recording}`, { headers })
    const response = await gate.fetch(request, () => {})
    const body = await response.text()
    const { entries } = await ledger.read({ limit: 100, kind: 'access' })
    const { reason } = JSON.parse(entries.at(-1)?.json ?? '{}') as { reason?: string }
    return response.status === 200 ? body : [response.status, reason]
  }
}

test('a recording plays to the patient in its row of D1, whatever its stamp says', async () => {
  const ask = await asking()
  await insert('rec-1', 'patient-2')
  expect(await ask('patient-2')).toBe('the recording')
  expect(await ask('patient-1')).toEqual([404, 'not_owner'])
  await insert('rec-1', 'patient-1')
  expect(await ask('patient-1')).toBe('the recording')
  expect(await ask('patient-2')).toEqual([404, 'not_owner'])
})

test('a recording without a row in D1 is refused, and so is a row without a recording', async () => {
  const ask = await asking()
  expect(await ask('patient-1')).toEqual([404, 'recording_unbound'])
  await insert('rec-2', 'patient-1')
  expect(await ask('patient-1', {}, 'rec-2')).toEqual([404, 'recording_unknown'])
})

test('a recording plays only to a subject of the tenant in its row of D1', async () => {
  const ask = await asking({}, 'tenant')
  await insert('rec-1', 'patient-2', 'north')
  expect(await ask('patient-2', { tenant: 'north' })).toBe('the recording')
  expect(await ask('patient-2', { tenant: 'south' })).toEqual([404, 'tenant_mismatch'])
  await insert('rec-1', 'patient-2')
  expect(await ask('patient-2', { tenant: 'north' })).toEqual([404, 'tenant_mismatch'])
})

test('a row of D1 that disagrees with the stamp leaves a recording without an owner', async () => {
  const ask = await asking({ owner: agreeing(stampedOwners, owner) })
  await insert('rec-1', 'patient-1')
  expect(await ask('patient-1')).toBe('the recording')
  await insert('rec-1', 'patient-2')
  expect(await ask('patient-1')).toEqual([404, 'recording_unbound'])
  expect(await ask('patient-2')).toEqual([404, 'recording_unbound'])
})

test('every viewer gets 503 while D1 fails, and the output does not repeat what D1 says', async () => {
  const ask = await asking()
  await insert('rec-1', 'patient-1')
  expect(await ask('patient-1')).toBe('the recording')
  await env.DB.prepare('DROP TABLE recordings').run()
  expect(await ask('patient-1')).toEqual([503, 'owner_unavailable'])
  expect(await ask('patient-2')).toEqual([503, 'owner_unavailable'])
  expect(said.join()).toMatch(/owner_unavailable, event [0-9a-f-]{36}: the owner source failed/)
  expect(said.join()).not.toMatch(/no such table|D1/)
})
