import { expect, test } from 'vitest'
import { Claims } from '../../../src/recordings/claims.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { memoryGate } from '../../support/memory-gate.ts'

test('an upload that was begun behind the gate can not go on, as it bound the recording to no owner', async () => {
  const store = createMemoryStore()
  const gate = await memoryGate({ store })
  const key = 'recordings/rec-2'
  const facts = {
    size: 10,
    pieceSize: 8 * 2 ** 20,
    contentType: 'video/mp4',
    ownership: { owner: 'patient-2' },
  }
  const upload = await store.uploads.begin(key, facts)
  const tag = await store.uploads.putPiece(key, upload, new Blob(['0123456789']).stream(), {
    number: 1,
    size: 10,
  })
  const headers = {
    ...(await gate.idp.bearer('recorder-1', { roles: ['recorder'] })),
    'Mediaward-Owner': 'patient-1',
    'Mediaward-Upload': upload,
  }
  const piece = await gate.fetch('/recordings/rec-2', {
    method: 'PUT',
    headers: { ...headers, 'Content-Range': 'bytes 0-9/10', 'Content-Length': '10' },
    body: '0123456789',
  })
  const completed = await gate.fetch('/recordings/rec-2/upload', {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ size: 10, pieces: [tag] }),
  })
  const givenUp = await gate.fetch('/recordings/rec-2/upload', { method: 'DELETE', headers })
  expect([piece.status, completed.status, givenUp.status]).toEqual([409, 409, 204])
  expect(await store.find(key)).toBeNull()
  // It was not given up either, and the recording is not bound to an owner.
  expect(await new Claims(store).find('rec-2')).toBeNull()
  expect(await store.uploads.complete(key, upload, { tags: [tag], size: 10, replaces: null })).not.toBeNull()
})
