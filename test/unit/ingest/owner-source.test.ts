import { beforeEach, describe, expect, test, vi } from 'vitest'
import { agreeing, type RecordingStore, StorageFault } from '../../../src/index.ts'
import { Claims } from '../../../src/recordings/claims.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { factsOf } from '../../contract/recordings.ts'
import { createIssuer } from '../../support/gate-client.ts'
import type { Asking } from '../../support/memory-gate.ts'
import { type Known, type OwnedGate, ownedGate } from '../../support/owned-gate.ts'

// Storing under a gate that asks a function who owns a recording.

const PATH = '/recordings/rec-9'
let store: RecordingStore
beforeEach(() => {
  store = createMemoryStore()
  vi.spyOn(console, 'error').mockReturnValue()
})

/** A recorder for patient-1. */
function recorder(gate: OwnedGate) {
  return (method: string, path: string, headers: Record<string, string>, body?: string) => {
    const init: Asking = {
      method,
      claims: { roles: ['recorder'] },
      headers: { 'mediaward-owner': 'patient-1', ...headers },
      ...(body !== undefined && { body }),
    }
    return gate.ask('recorder-1', path, init)
  }
}

/** Stores whole, and says how far it came. */
async function put(gate: OwnedGate): Promise<number> {
  return (await recorder(gate)('PUT', PATH, { 'content-length': '3' }, 'new')).status
}
/** Begins an upload. */
async function begin(gate: OwnedGate): Promise<Response> {
  return recorder(gate)('POST', `${PATH}/upload`, { 'mediaward-upload-size': '3' })
}
/** Stores the only piece of an upload, and completes it. */
async function complete(gate: OwnedGate, upload: string): Promise<number> {
  const send = recorder(gate)
  const range = { 'content-range': 'bytes 0-2/3', 'content-length': '3' }
  const piece = await send('PUT', PATH, { 'mediaward-upload': upload, ...range }, 'new')
  expect(piece.status).toBe(200)
  const tag = ((await piece.json()) as { piece: string }).piece
  const whole = JSON.stringify({ size: 3, pieces: [tag] })
  const headers = { 'mediaward-upload': upload, 'content-type': 'application/json' }
  return (await send('POST', `${PATH}/upload`, headers, whole)).status
}

const open = (known: Known, agrees = false) => ownedGate(known, { store, agrees })

describe.each([false, true])('agreement with the stamp: %s', agrees => {
  test.each([
    ['names the same owner', { owner: 'patient-1' }],
    ['knows no owner', null],
  ])('what a recorder stores is stamped if the owner function %s', async (_, known) => {
    const gate = await open({ 'rec-9': known }, agrees)
    expect(await put(gate)).toBe(201)
    const owner = { owner: 'patient-1', issuer: gate.idp.issuer }
    expect(await factsOf(store, 'recordings/rec-9')).toMatchObject({ ownership: owner })
    expect(await new Claims(store).find('rec-9')).toEqual(owner)
    const { upload } = (await (await begin(gate)).json()) as { upload: string }
    expect(await complete(gate, upload)).toBe(200)
    expect((await gate.ask('patient-1', PATH)).status).toBe(known === null ? 404 : 200)
  })

  test.each([
    ['owner', { owner: 'patient-2' }],
    ['issuer', { owner: 'patient-1', issuer: 'https://other.clinic.test/' }],
    ['tenant', { owner: 'patient-1', tenant: 'north' }],
  ])('nothing is stored or bound if the owner function names another %s', async (_, known) => {
    const gate = await open({ 'rec-9': known }, agrees)
    expect(await put(gate)).toBe(409)
    expect((await begin(gate)).status).toBe(409)
    expect(await store.find('recordings/rec-9')).toBeNull()
    expect(await new Claims(store).find('rec-9')).toBeNull()
    expect((await gate.events()).map(({ reason }) => reason)).toEqual([
      'binding_conflict',
      'binding_conflict',
    ])
    const detail = await (await begin(gate)).text()
    expect(detail).toContain('bound to another owner or tenant')
    expect(detail).not.toMatch(/patient|north|other\.clinic/)
  })

  test('an upload is not completed if the owner function fails or names another owner by then', async () => {
    const gate = await open({ 'rec-9': { owner: 'patient-1' } }, agrees)
    const { upload } = (await (await begin(gate)).json()) as { upload: string }
    gate.known['rec-9'] = { owner: 'patient-2' }
    expect(await complete(gate, upload)).toBe(409)
    gate.known['rec-9'] = () => Promise.reject(new Error('no connection'))
    expect(await complete(gate, upload)).toBe(503)
    expect(await store.find('recordings/rec-9')).toBeNull()
    gate.known['rec-9'] = { owner: 'patient-1' }
    expect(await complete(gate, upload)).toBe(201)
  })

  test.each<[string, () => unknown]>([
    ['fails', () => Promise.reject(new Error('password=hunter2'))],
    ['fails with a StorageFault', () => Promise.reject(new StorageFault('moving'))],
    ['answers with a number', () => 7],
  ])('nothing is stored or bound if the owner function %s', async (_, known) => {
    const gate = await open({ 'rec-9': known }, agrees)
    expect(await put(gate)).toBe(503)
    expect((await begin(gate)).status).toBe(503)
    expect(await store.find('recordings/rec-9')).toBeNull()
    expect(await new Claims(store).find('rec-9')).toBeNull()
    expect((await gate.events()).map(({ reason }) => reason)).toEqual([
      'owner_unavailable',
      'owner_unavailable',
    ])
  })
})

test('nothing is stored if owner sources other than the stamp disagree', async () => {
  const gate = await open({ 'rec-9': () => ({ owner: 'patient-1' }) })
  expect(await put(gate)).toBe(201)
  const owner = agreeing(
    async () => ({ owner: 'patient-1' }),
    async () => ({ owner: 'patient-2' }),
  )
  const disputed = await ownedGate({}, { store, owner })
  expect(await put(disputed)).toBe(409)
  expect((await disputed.events()).at(-1)).toMatchObject({ reason: 'binding_conflict' })
  expect((await disputed.ask('patient-1', PATH)).status).toBe(404)
})

test('with several issuers, an owner that is named without an issuer is a conflict', async () => {
  const [idp, other] = [await createIssuer(), await createIssuer('https://other.clinic.test/')]
  const issuers = [idp, other].map(one => one.entry({ allowed_roles: ['recorder'] }))
  const known: Known = { 'rec-9': { owner: 'patient-1' } }
  const gate = await ownedGate(known, { store, issuers }, idp)
  expect(await put(gate)).toBe(409)
  known['rec-9'] = { owner: 'patient-1', issuer: idp.issuer }
  expect(await put(gate)).toBe(201)
  expect((await gate.ask('patient-1', PATH)).status).toBe(200)
})

test('the gate asks the owner function only if a recorder stores', async () => {
  const gate = await open({ 'rec-9': { owner: 'patient-1' } })
  const headers = { 'mediaward-owner': 'patient-1', 'content-length': '3' }
  expect((await gate.ask('patient-1', PATH, { method: 'PUT', headers, body: 'new' })).status).toBe(404)
  expect(gate.calls).toEqual([])
})
