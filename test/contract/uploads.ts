import { describe, expect, test } from 'vitest'
import { Claims, stampsAt } from '../../src/recordings/claims.ts'
import type { Ownership } from '../../src/recordings/recording.ts'
import { DigestMismatch, type OpenedPart, type RecordingStore } from '../../src/recordings/recording-store.ts'
import { UploadUnknown } from '../../src/recordings/uploads.ts'
import { factsOf, patient1, patient2, read, sampleBytes, sha256, stream } from './recordings.ts'

// The part of the contract of the port RecordingStore about digests and uploads in pieces.

const KEY = 'recordings/film'
const VISIBLE = /^[\x21-\x7e]{1,1024}$/

/** @param pieceSize the smallest piece that the store takes, except for the last piece of an upload */
export function uploadContract(name: string, create: () => RecordingStore, pieceSize: number): void {
  const size = 2 * pieceSize + 123
  const whole = sampleBytes(size, 7)
  const pieceOf = (number: number, of: Uint8Array<ArrayBuffer> = whole) =>
    of.slice((number - 1) * pieceSize, number * pieceSize)
  const begin = (store: RecordingStore, key = KEY, ownership: Ownership = patient1) =>
    store.uploads.begin(key, { size, pieceSize, contentType: 'video/mp4', ownership })
  const send = (
    store: RecordingStore,
    upload: string,
    number: number,
    { of = whole, key = KEY, sha256 }: { of?: Uint8Array<ArrayBuffer>; key?: string; sha256?: string } = {},
  ) => {
    const piece = pieceOf(number, of)
    const digest = sha256 === undefined ? {} : { sha256 }
    return store.uploads.putPiece(key, upload, stream(piece), { number, size: piece.length, ...digest })
  }
  const sendAll = async (store: RecordingStore, upload: string, of = whole, key = KEY) => [
    await send(store, upload, 1, { of, key }),
    await send(store, upload, 2, { of, key }),
    await send(store, upload, 3, { of, key }),
  ]
  const complete = (
    store: RecordingStore,
    upload: string,
    tags: readonly string[],
    { replaces = null, key = KEY }: { replaces?: string | null; key?: string } = {},
  ) => store.uploads.complete(key, upload, { tags, size, replaces })
  const storeAll = async (store: RecordingStore, of = whole, replaces: string | null = null) => {
    const upload = await begin(store)
    return complete(store, upload, await sendAll(store, upload, of), { replaces })
  }

  describe(`digests in ${name}`, () => {
    const bytes = sampleBytes(1000, 3)
    const put = { size: 1000, contentType: 'video/mp4', ownership: patient1, replaces: null }

    test('a put stores bytes that have the announced digest', async () => {
      const store = create()
      await store.put('digest', stream(bytes), { ...put, sha256: await sha256(bytes) })
      await expectBytes(await store.open('digest'), bytes)
    })

    test('a put stores nothing of bytes that have another digest', async () => {
      const store = create()
      const sent = store.put('digest', stream(bytes), { ...put, sha256: await sha256(bytes.slice(1)) })
      await expect(sent).rejects.toThrow(DigestMismatch)
      expect(await store.find('digest')).toBeNull()
    })

    test('a put of bytes with another digest keeps the earlier version', async () => {
      const store = create()
      const first = await store.put('digest', stream(bytes), put)
      const next = { ...put, replaces: first?.etag ?? '', sha256: '0'.repeat(64) }
      await expect(store.put('digest', stream(bytes), next)).rejects.toThrow(DigestMismatch)
      expect(await store.find('digest')).toEqual(first)
    })

    test('a put checks the digest of an empty object', async () => {
      const store = create()
      const none = { ...put, size: 0 }
      await expect(store.put('none', null, { ...none, sha256: '0'.repeat(64) })).rejects.toThrow(
        DigestMismatch,
      )
      expect(await store.find('none')).toBeNull()
      await store.put('none', null, { ...none, sha256: await sha256(new Uint8Array(0)) })
      expect(await store.find('none')).toMatchObject({ size: 0 })
    })
  })

  describe(`uploads in ${name}`, () => {
    test('pieces become one object with the facts that the upload was begun with', async () => {
      const store = create()
      const upload = await begin(store)
      expect(upload).toMatch(VISIBLE)
      const tags = await sendAll(store, upload)
      for (const tag of tags) expect(tag).toMatch(VISIBLE)
      const completed = await complete(store, upload, tags)
      const found = await factsOf(store, KEY)
      expect(found).toMatchObject({ ...completed, size, contentType: 'video/mp4', ownership: patient1 })
      expect(found?.etag).toMatch(/^"[^"]+"$/)
      expect((found?.modified ?? 1) % 1000).toBe(0)
      await expectBytes(await store.open(KEY), whole)
    })

    test.each<[string, number, number]>([
      ['across the first border', pieceSize - 10, 20],
      ['across both borders', pieceSize - 1, pieceSize + 2],
      ['that begins at a border', pieceSize, 5],
    ])('a range %s between pieces is served', async (_, offset, length) => {
      const store = create()
      await storeAll(store)
      const opened = await store.open(KEY, { offset, length })
      expect(opened).toMatchObject({ size, range: { offset, length } })
      await expectBytes(opened, whole.slice(offset, offset + length))
    })

    test('nothing of an upload is shown before it is complete', async () => {
      const store = create()
      const upload = await begin(store)
      await sendAll(store, upload)
      expect(await store.find(KEY)).toBeNull()
      expect(await store.open(KEY)).toBeNull()
      expect(await stampsAt(store, [KEY, 'recordings/'])).toEqual([])
    })

    test('an upload takes pieces in any order, and several at once', async () => {
      const store = create()
      const upload = await begin(store)
      const third = await send(store, upload, 3)
      const [second, first] = await Promise.all([send(store, upload, 2), send(store, upload, 1)])
      await complete(store, upload, [first, second, third])
      await expectBytes(await store.open(KEY), whole)
    })

    test('an upload may consist of one piece of one byte', async () => {
      const store = create()
      const facts = { size: 1, pieceSize, contentType: 'video/mp4', ownership: patient1 }
      const upload = await store.uploads.begin(KEY, facts)
      const tag = await store.uploads.putPiece(KEY, upload, stream(whole.slice(0, 1)), { number: 1, size: 1 })
      await store.uploads.complete(KEY, upload, { tags: [tag], size: 1, replaces: null })
      await expectBytes(await store.open(KEY), whole.slice(0, 1))
    })

    test('an upload keeps the last version of a piece that is sent again', async () => {
      const store = create()
      const upload = await begin(store)
      const other = sampleBytes(size, 11)
      const [, second = '', third = ''] = await sendAll(store, upload)
      const old = await send(store, upload, 1, { of: other })
      const again = await send(store, upload, 1)
      await expect(complete(store, upload, [old, second, third])).rejects.toThrow(UploadUnknown)
      await complete(store, upload, [again, second, third])
      await expectBytes(await store.open(KEY), whole)
    })

    test('an upload stays intact if a piece is sent many times at once', async () => {
      const store = create()
      const upload = await begin(store)
      const [, second = '', third = ''] = await sendAll(store, upload)
      const contents = [2, 3, 4].map(seed => sampleBytes(size, seed))
      await Promise.all(contents.map(of => send(store, upload, 1, { of })))
      const last = await send(store, upload, 1)
      await complete(store, upload, [last, second, third])
      await expectBytes(await store.open(KEY), whole)
    })

    test('a piece that has another digest than announced is refused', async () => {
      const store = create()
      const upload = await begin(store)
      const [first = '', second = ''] = await sendAll(store, upload)
      const right = await sha256(pieceOf(3))
      const wrong = send(store, upload, 3, { of: sampleBytes(size, 5), sha256: right })
      await expect(wrong).rejects.toThrow(DigestMismatch)
      const third = await send(store, upload, 3, { sha256: right })
      await expect(
        send(store, upload, 1, { sha256: await sha256(pieceOf(2, sampleBytes(size, 9))) }),
      ).rejects.toThrow(DigestMismatch)
      // The pieces that were there before still count.
      await complete(store, upload, [first, second, third])
      await expectBytes(await store.open(KEY), whole)
    })

    test.each([
      ['fewer bytes than announced', (piece: Uint8Array<ArrayBuffer>) => stream(piece.slice(1))],
      [
        'more bytes than announced',
        (piece: Uint8Array<ArrayBuffer>) => stream(sampleBytes(piece.length + 1, 2)),
      ],
      ['bytes that break off', (piece: Uint8Array<ArrayBuffer>) => broken(piece)],
    ])('a piece of %s is refused, and the piece before it is kept', async (_, bad) => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      for (const digest of [{}, { sha256: await sha256(pieceOf(2)) }]) {
        const options = { number: 2, size: pieceSize, ...digest }
        await expect(store.uploads.putPiece(KEY, upload, bad(pieceOf(2)), options)).rejects.toThrow()
      }
      await complete(store, upload, tags)
      await expectBytes(await store.open(KEY), whole)
    })

    test('a completion with a missing or wrong tag stores nothing', async () => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      const [first = '', second = '', third = ''] = tags
      const made = first.replace(/[A-Za-z0-9](?=[^A-Za-z0-9]*$)/, c => (c === 'a' ? 'b' : 'a'))
      for (const wrong of [
        [first, second],
        [first, third],
        [second, first, third],
        [made, second, third],
        ['x', second, third],
        [first, '"><Part>', third],
        [...tags, third],
        [],
      ]) {
        await expect(complete(store, upload, wrong)).rejects.toThrow(UploadUnknown)
      }
      expect(await store.find(KEY)).toBeNull()
      expect(await complete(store, upload, tags)).toMatchObject({ size })
    })

    test('a completion with a size that is off by one stores nothing', async () => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      for (const off of [size - 1, size + 1]) {
        await expect(
          store.uploads.complete(KEY, upload, { tags, size: off, replaces: null }),
        ).rejects.toThrow(UploadUnknown)
      }
      expect(await store.find(KEY)).toBeNull()
    })

    test('the id of an upload that was never begun is rejected', async () => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      for (const unknown of [
        'never',
        '../../bindings',
        `${upload}0`,
        '0'.repeat(32),
        crypto.randomUUID(),
        '&partNumber=1',
      ]) {
        await expect(send(store, unknown, 1)).rejects.toThrow(UploadUnknown)
        await expect(complete(store, unknown, tags)).rejects.toThrow(UploadUnknown)
        await store.uploads.abandon(KEY, unknown)
      }
      expect(await store.find(KEY)).toBeNull()
      expect(await complete(store, upload, tags)).toMatchObject({ size })
    })

    test('an upload is rejected under another key than its own', async () => {
      const store = create()
      const otherKey = 'recordings/other'
      const upload = await begin(store, otherKey, patient2)
      const tags = await sendAll(store, upload, whole, otherKey)
      await expect(send(store, upload, 1)).rejects.toThrow(UploadUnknown)
      await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
      await store.uploads.abandon(KEY, upload)
      expect(await store.find(KEY)).toBeNull()
      await complete(store, upload, tags, { key: otherKey })
      expect(await store.find(otherKey)).toMatchObject({ size, ownership: patient2 })
    })

    test('two uploads of one key are kept apart, and the second is completed only over the first', async () => {
      const store = create()
      const [one, two] = await Promise.all([begin(store), begin(store)])
      expect(one).not.toBe(two)
      const other = sampleBytes(size, 13)
      const [tagsOfOne, tagsOfTwo] = await Promise.all([sendAll(store, one), sendAll(store, two, other)])
      await expect(complete(store, one, tagsOfTwo)).rejects.toThrow(UploadUnknown)
      const first = await complete(store, one, tagsOfOne)
      expect(await complete(store, two, tagsOfTwo)).toBeNull()
      await expectBytes(await store.open(KEY), whole)
      // The upload is still there, for a client that has looked at the version to replace.
      const second = await complete(store, two, tagsOfTwo, { replaces: first?.etag ?? '' })
      expect(second?.etag).not.toBe(first?.etag)
      await expectBytes(await store.open(KEY), other)
    })

    test('a completion replaces only the version that it names', async () => {
      const store = create()
      const small = sampleBytes(10, 1)
      const facts = { size: 10, contentType: 'video/mp4', ownership: patient1 }
      const first = await store.put(KEY, stream(small), { ...facts, replaces: null })
      expect(await storeAll(store)).toBeNull()
      expect(await storeAll(store, whole, '"another"')).toBeNull()
      const second = await storeAll(store, whole, first?.etag)
      expect(second).toMatchObject({ size })
      // A put doesn't overwrite what came in pieces either.
      expect(await store.put(KEY, stream(small), { ...facts, replaces: null })).toBeNull()
      const third = await store.put(KEY, stream(small), { ...facts, replaces: second?.etag ?? '' })
      expect(third).toMatchObject({ size: 10 })
      await expectBytes(await store.open(KEY), small)
    })

    test('an upload is completed only once', async () => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      const stored = await complete(store, upload, tags)
      // The store may find out first that the object exists, or that the upload doesn't.
      const late = complete(store, upload, tags).catch((error: unknown) =>
        error instanceof UploadUnknown ? null : error,
      )
      expect(await late).toBeNull()
      const again = complete(store, upload, tags, { replaces: stored?.etag ?? '' })
      await expect(again).rejects.toThrow(UploadUnknown)
      await expect(send(store, upload, 1)).rejects.toThrow(UploadUnknown)
      await store.uploads.abandon(KEY, upload)
      expect(await store.find(KEY)).toMatchObject({ etag: stored?.etag })
      await expectBytes(await store.open(KEY), whole)
    })

    test('an upload can be abandoned twice', async () => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      await store.uploads.abandon(KEY, upload)
      await store.uploads.abandon(KEY, upload)
      await expect(send(store, upload, 1)).rejects.toThrow(UploadUnknown)
      await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
      expect(await store.find(KEY)).toBeNull()
    })

    test('looking for a claim resolves to the claimed owner, and claims nothing', async () => {
      const store = create()
      expect(await new Claims(store).find('asked')).toBeNull()
      expect(await new Claims(store).find('asked')).toBeNull()
      expect(await new Claims(store).claim('asked', patient2, [])).toEqual(patient2)
      expect(await new Claims(store).find('asked')).toEqual(patient2)
    })
  })
}

/** Compares digests: to compare millions of bytes one by one takes seconds. */
async function expectBytes(part: OpenedPart | null, bytes: Uint8Array<ArrayBuffer>) {
  expect(await sha256(await read(part))).toBe(await sha256(bytes))
}

function broken(piece: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  let pulls = 0
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(piece.slice(0, 100))
      else controller.error(new Error('the network is gone'))
    },
  })
}
