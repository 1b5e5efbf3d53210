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
import { type Asking, type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// A recorder stores under an id under which other tools stored something without an owner.

/** A gate whose recordings can be of patients of two issuers. */
async function severalIssuers(store: RecordingStore): Promise<MemoryGate> {
  const provider = await createIssuer()
  const other = await createIssuer('https://other.clinic.test/')
  const issuers = [provider, other].map(one => one.entry({ allowed_roles: ['recorder'] }))
  return memoryGate({ store, issuers }, provider)
}

/** Sends a request as a recorder, for `patient-1` if the headers name no other. */
const send = (gate: MemoryGate, path: string, { headers, ...init }: Asking) =>
  gate.ask('recorder-1', path, {
    ...init,
    claims: { roles: ['recorder'] },
    headers: { 'Mediaward-Owner': 'patient-1', ...headers },
  })
/** Stores three bytes for a patient, as a recorder. */
const put = (gate: MemoryGate, path: string, owner = 'patient-1') =>
  send(gate, path, {
    method: 'PUT',
    headers: { 'Mediaward-Owner': owner, 'Content-Length': '3' },
    body: 'new',
  })

describe.each<[string, () => RecordingStore]>([
  ['memory store', createMemoryStore],
  ['folder store', () => createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-')))],
])('%s', (_, create) => {
  const stampedWith = async (store: RecordingStore, key: string, ownership: object) => {
    const replaces = (await factsOf(store, key))?.etag ?? null
    const options = { size: 3, contentType: 'video/mp4', ownership, replaces }
    return store.put(key, new Blob(['old']).stream(), options)
  }

  test.each([
    ['in place of a recording', 'recordings/rec-2', '/recordings/rec-2'],
    ['as a part of a recording', 'recordings/rec-2', '/recordings/rec-2/part.ts'],
    ['beside the parts of a recording', 'recordings/rec-2/part.ts', '/recordings/rec-2'],
  ])(
    'nothing is stored %s without an owner, the answer says why, its id stays free',
    async (_, key, path) => {
      const store = create()
      const gate = await memoryGate({ store })
      await stampedWith(store, key, { consultation: 'c-1' })
      const begin = { method: 'POST', headers: { 'Mediaward-Upload-Size': '3' } }
      for (const answer of [await put(gate, path), await send(gate, `${path}/upload`, begin)]) {
        expect(answer.status).toBe(409)
        expect(((await answer.json()) as { detail: string }).detail).toMatch(
          /^What is stored under this id has no owner \(mw-owner, and with several issuers mw-issuer\): stamp it/,
        )
      }
      expect(await new Claims(store).find('rec-2')).toBeNull()

      // Once it is stamped, the id is its owner's.
      await stampedWith(store, key, { owner: 'patient-1', issuer: gate.idp.issuer })
      expect((await put(gate, path)).status).toBeLessThan(300)
      expect(await new Claims(store).find('rec-2')).toMatchObject({ owner: 'patient-1' })
      const refused = await put(gate, path, 'patient-2')
      expect([refused.status, await refused.text()]).toEqual([
        409,
        expect.stringContaining('bound to another owner or tenant'),
      ])
    },
  )

  test('with several issuers, the id of an owner without an issuer stays free until the issuer is stamped', async () => {
    const store = create()
    const gate = await severalIssuers(store)
    const key = 'recordings/rec-2/a.ts'
    await stampedWith(store, key, { owner: 'patient-1' })
    for (const part of ['b.ts', 'a.ts']) {
      const answer = await put(gate, `/recordings/rec-2/${part}`)
      expect([answer.status, await answer.text()]).toEqual([
        409,
        expect.stringContaining('has no owner (mw-owner, and with several issuers mw-issuer)'),
      ])
    }
    expect(await new Claims(store).find('rec-2')).toBeNull()
    await stampedWith(store, key, { owner: 'patient-1', issuer: gate.idp.issuer })
    expect((await put(gate, '/recordings/rec-2/b.ts')).status).toBe(201)
    expect(await new Claims(store).find('rec-2')).toEqual({ owner: 'patient-1', issuer: gate.idp.issuer })
  })

  test('with one issuer, an owner without an issuer is one of that issuer', async () => {
    const store = create()
    const gate = await memoryGate({ store })
    await stampedWith(store, 'recordings/rec-2/a.ts', { owner: 'patient-1' })
    expect((await put(gate, '/recordings/rec-2/b.ts', 'patient-2')).status).toBe(409)
    expect((await put(gate, '/recordings/rec-2/b.ts')).status).toBe(201)
  })
})

test('an id that an earlier version bound to no owner is bound to its owner', async () => {
  const store = createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-')))
  const gate = await memoryGate({ store })
  const unbound = { size: 0, contentType: 'application/octet-stream', ownership: {}, replaces: null }
  await store.put('.mediaward/bindings/rec-2', null, unbound)
  expect((await put(gate, '/recordings/rec-2')).status).toBe(201)
  expect(await new Claims(store).find('rec-2')).toMatchObject({ owner: 'patient-1' })
})

test('with several issuers, an id that an earlier version bound without an issuer is bound to its owner', async () => {
  const store = createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-')))
  const gate = await severalIssuers(store)
  const unbound = { size: 0, contentType: 'application/octet-stream', replaces: null }
  await store.put('.mediaward/bindings/rec-2', null, { ...unbound, ownership: { owner: 'patient-1' } })
  const completed = await send(gate, '/recordings/rec-2/upload', {
    method: 'POST',
    headers: { 'Mediaward-Upload': '0'.repeat(32), 'Content-Type': 'application/json' },
    body: JSON.stringify({ size: 3, pieces: ['x'] }),
  })
  expect(await completed.text()).not.toContain('bound to another owner')
  expect((await put(gate, '/recordings/rec-2')).status).toBe(201)
  expect(await new Claims(store).find('rec-2')).toEqual({ owner: 'patient-1', issuer: gate.idp.issuer })
})

test('a recording of the same owner in another tenant is refused as bound to another owner or tenant', async () => {
  const store = createMemoryStore()
  const gate = await memoryGate({ store })
  const ownership = { owner: 'patient-1', issuer: gate.idp.issuer, tenant: 'south' }
  await new Claims(store).claim('rec-2', ownership, [])
  const answer = await put(gate, '/recordings/rec-2')
  expect([answer.status, await answer.text()]).toEqual([
    409,
    expect.stringContaining('bound to another owner or tenant'),
  ])
})
