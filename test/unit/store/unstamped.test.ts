import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RecordingStore } from '../../../src/index.ts'
import { folderStore } from '../../../src/runtime/local/index.ts'
import { memoryStore } from '../../../src/runtime/memory/index.ts'
import { factsOf } from '../../contract/recordings.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// A recorder stores where something is that other tools stored, without an owner.

describe.each<[string, () => RecordingStore]>([
  ['memory', memoryStore],
  ['a folder', () => folderStore(mkdtempSync(join(tmpdir(), 'mediaward-')))],
])('in %s', (_, create) => {
  const stampedWith = async (store: RecordingStore, key: string, binding: object) => {
    const replaces = (await factsOf(store, key))?.etag ?? null
    const options = { size: 3, contentType: 'video/mp4', binding, replaces }
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
        /^What is stored under this id has no owner \(mw-owner\): stamp it/,
      )
    }
    expect(await store.claimed('rec-2')).toBeNull()

    // Once it is stamped, the id is its owner's.
    await stampedWith(store, key, { owner: 'patient-1', issuer: gate.idp.issuer })
    expect((await put()).status).toBeLessThan(300)
    expect(await store.claimed('rec-2')).toMatchObject({ owner: 'patient-1' })
    const other = { ...headers, 'Mediaward-Owner': 'patient-2', 'Content-Length': '3' }
    const refused = await gate.fetch(path, { method: 'PUT', headers: other, body: 'new' })
    expect([refused.status, await refused.text()]).toEqual([
      409,
      expect.stringContaining('bound to another owner'),
    ])
  })
})

test('an id that was bound to nobody by an earlier version is bound to its owner', async () => {
  const store = folderStore(mkdtempSync(join(tmpdir(), 'mediaward-')))
  const gate = await memoryGate({ store })
  const nobodys = { size: 0, contentType: 'application/octet-stream', binding: {}, replaces: null }
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
  expect(await store.claimed('rec-2')).toMatchObject({ owner: 'patient-1' })
})
