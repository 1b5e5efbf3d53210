import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RecordingStore } from '../../../src/index.ts'
import { Claims } from '../../../src/recordings/claims.ts'
import { createFolderStore } from '../../../src/runtime/local/index.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { factsOf } from '../../contract/recordings.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// A recorder stores where something is that other tools stored, without an owner.

/** A gate whose recordings can be of patients of two issuers. */
async function severalIssuers(store: RecordingStore): Promise<MemoryGate> {
  const provider = await createIssuer()
  const other = await createIssuer('https://other.clinic.test/')
  const issuers = [provider, other].map(({ issuer, audience, jwks }) => ({
    ...{ issuer, audience, algorithms: ['ES256'], jwks: jwks as never },
    allowed_roles: ['recorder'],
  }))
  return memoryGate({ store, issuers: issuers as never }, provider)
}

/** Stores three bytes for a patient, as a recorder. */
async function putter({ idp, fetch }: MemoryGate) {
  const Authorization = `Bearer ${await idp.token('recorder-1', { roles: ['recorder'] })}`
  return (path: string, owner = 'patient-1') =>
    fetch(path, {
      method: 'PUT',
      headers: { Authorization, 'Mediaward-Owner': owner, 'Content-Length': '3' },
      body: 'new',
    })
}

describe.each<[string, () => RecordingStore]>([
  ['memory', createMemoryStore],
  ['a folder', () => createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-')))],
])('in %s', (_, create) => {
  const stampedWith = async (store: RecordingStore, key: string, ownership: object) => {
    const replaces = (await factsOf(store, key))?.etag ?? null
    const options = { size: 3, contentType: 'video/mp4', ownership, replaces }
    return store.put(key, new Blob(['old']).stream(), options)
  }

  test.each([
    ['in its place', 'recordings/rec-2', '/recordings/rec-2'],
    ['beside it, as a part', 'recordings/rec-2', '/recordings/rec-2/part.ts'],
    ['beside its parts', 'recordings/rec-2/part.ts', '/recordings/rec-2'],
  ])('nothing is stored %s, the answer says why, and the id stays free', async (_, key, path) => {
    const store = create()
    const gate = await memoryGate({ store })
    await stampedWith(store, key, { consultation: 'c-1' })
    const headers = {
      Authorization: `Bearer ${await gate.idp.token('recorder-1', { roles: ['recorder'] })}`,
      'Mediaward-Owner': 'patient-1',
    }
    const put = () =>
      gate.fetch(path, { method: 'PUT', headers: { ...headers, 'Content-Length': '3' }, body: 'new' })
    const begin = () =>
      gate.fetch(`${path}/upload`, { method: 'POST', headers: { ...headers, 'Mediaward-Upload-Size': '3' } })
    for (const answer of [await put(), await begin()]) {
      expect(answer.status).toBe(409)
      expect(((await answer.json()) as { detail: string }).detail).toMatch(
        /^What is stored under this id has no owner \(mw-owner, and with several issuers mw-issuer\): stamp it/,
      )
    }
    expect(await new Claims(store).find('rec-2')).toBeNull()

    // Once it is stamped, the id is its owner's.
    await stampedWith(store, key, { owner: 'patient-1', issuer: gate.idp.issuer })
    expect((await put()).status).toBeLessThan(300)
    expect(await new Claims(store).find('rec-2')).toMatchObject({ owner: 'patient-1' })
    const other = { ...headers, 'Mediaward-Owner': 'patient-2', 'Content-Length': '3' }
    const refused = await gate.fetch(path, { method: 'PUT', headers: other, body: 'new' })
    expect([refused.status, await refused.text()]).toEqual([
      409,
      expect.stringContaining('bound to another owner or tenant'),
    ])
  })

  test('with several issuers an owner without an issuer is none: the id stays free, and is the owner’s once that is stamped', async () => {
    const store = create()
    const gate = await severalIssuers(store)
    const key = 'recordings/rec-2/a.ts'
    await stampedWith(store, key, { owner: 'patient-1' })
    const put = await putter(gate)
    for (const part of ['b.ts', 'a.ts']) {
      const answer = await put(`/recordings/rec-2/${part}`)
      expect([answer.status, await answer.text()]).toEqual([
        409,
        expect.stringContaining('has no owner (mw-owner, and with several issuers mw-issuer)'),
      ])
    }
    expect(await new Claims(store).find('rec-2')).toBeNull()
    await stampedWith(store, key, { owner: 'patient-1', issuer: gate.idp.issuer })
    expect((await put('/recordings/rec-2/b.ts')).status).toBe(201)
    expect(await new Claims(store).find('rec-2')).toEqual({ owner: 'patient-1', issuer: gate.idp.issuer })
  })

  test('with one issuer an owner without an issuer is that one’s', async () => {
    const store = create()
    const gate = await memoryGate({ store })
    await stampedWith(store, 'recordings/rec-2/a.ts', { owner: 'patient-1' })
    const put = await putter(gate)
    expect((await put('/recordings/rec-2/b.ts', 'patient-2')).status).toBe(409)
    expect((await put('/recordings/rec-2/b.ts')).status).toBe(201)
  })
})

test('an id that was bound to nobody by an earlier version is bound to its owner', async () => {
  const store = createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-')))
  const gate = await memoryGate({ store })
  const nobodys = { size: 0, contentType: 'application/octet-stream', ownership: {}, replaces: null }
  await store.put('.mediaward/bindings/rec-2', null, nobodys)
  const answer = await gate.fetch('/recordings/rec-2', {
    method: 'PUT',
    headers: {
      Authorization: `Bearer ${await gate.idp.token('recorder-1', { roles: ['recorder'] })}`,
      'Mediaward-Owner': 'patient-1',
      'Content-Length': '3',
    },
    body: 'new',
  })
  expect(answer.status).toBe(201)
  expect(await new Claims(store).find('rec-2')).toMatchObject({ owner: 'patient-1' })
})

test('with several issuers an id that an earlier version bound to an owner without an issuer is bound to its owner', async () => {
  const store = createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-')))
  const gate = await severalIssuers(store)
  const nobodys = { size: 0, contentType: 'application/octet-stream', replaces: null }
  await store.put('.mediaward/bindings/rec-2', null, { ...nobodys, ownership: { owner: 'patient-1' } })
  const put = await putter(gate)
  const completed = await gate.fetch('/recordings/rec-2/upload', {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await gate.idp.token('recorder-1', { roles: ['recorder'] })}`,
      'Mediaward-Owner': 'patient-1',
      'Mediaward-Upload': '0'.repeat(32),
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ size: 3, pieces: ['x'] }),
  })
  expect(await completed.text()).not.toContain('bound to another owner')
  expect((await put('/recordings/rec-2')).status).toBe(201)
  expect(await new Claims(store).find('rec-2')).toEqual({ owner: 'patient-1', issuer: gate.idp.issuer })
})

test('a recording of the same owner in another tenant is told to be bound to another owner or tenant', async () => {
  const store = createMemoryStore()
  const gate = await memoryGate({ store })
  const ownership = { owner: 'patient-1', issuer: gate.idp.issuer, tenant: 'south' }
  await new Claims(store).claim('rec-2', ownership, [])
  const answer = await (await putter(gate))('/recordings/rec-2')
  expect([answer.status, await answer.text()]).toEqual([
    409,
    expect.stringContaining('bound to another owner or tenant'),
  ])
})
