import { describe, expect, test } from 'vitest'
import { Claims, stampsAt } from '../../src/recordings/claims.ts'
import type { Binding } from '../../src/recordings/recording.ts'
import { DigestMismatch, type OpenedPart, type RecordingStore } from '../../src/recordings/recording-store.ts'
import { UploadUnknown } from '../../src/recordings/uploads.ts'
import { ben, bytesOf, dana, factsOf, read, sha256, stream } from './recordings.ts'

// What every adapter of the port RecordingStore must do with digests and with uploads in pieces.

const KEY = 'recordings/film'
const VISIBLE = /^[\x21-\x7e]{1,1024}$/

/** @param pieceSize the smallest piece that the store takes, but for the last */
export function uploadContract(name: string, create: () => RecordingStore, pieceSize: number): void {
  const size = 2 * pieceSize + 123
  const whole = bytesOf(size, 7)
  const pieceOf = (number: number, of: Uint8Array<ArrayBuffer> = whole) =>
    of.slice((number - 1) * pieceSize, number * pieceSize)
  const begin = (store: RecordingStore, key = KEY, binding: Binding = dana) =>
    store.begin(key, { size, pieceSize, contentType: 'video/mp4', binding })
  const send = (
    store: RecordingStore,
    upload: string,
    number: number,
    { of = whole, key = KEY, sha256 }: { of?: Uint8Array<ArrayBuffer>; key?: string; sha256?: string } = {},
  ) => {
    const piece = pieceOf(number, of)
    const digest = sha256 === undefined ? {} : { sha256 }
    return store.putPiece(key, upload, stream(piece), { number, size: piece.length, ...digest })
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
  ) => store.complete(key, upload, { tags, size, replaces })
  const storeAll = async (store: RecordingStore, of = whole, replaces: string | null = null) => {
    const upload = await begin(store)
    return complete(store, upload, await sendAll(store, upload, of), { replaces })
  }

  describe(`${name} verifies digests`, () => {
    const bytes = bytesOf(1000, 3)
    const put = { size: 1000, contentType: 'video/mp4', binding: dana, replaces: null }

    test('bytes that have the digest they were announced with are stored', async () => {
      const store = create()
      await store.put('digest', stream(bytes), { ...put, sha256: await sha256(bytes) })
      await expectBytes(await store.open('digest'), bytes)
    })

    test('bytes that have another are not, and nothing is seen of them', async () => {
      const store = create()
      const sent = store.put('digest', stream(bytes), { ...put, sha256: await sha256(bytes.slice(1)) })
      await expect(sent).rejects.toThrow(DigestMismatch)
      expect(await store.find('digest')).toBeNull()
    })

    test('they take the place of no earlier version', async () => {
      const store = create()
      const first = await store.put('digest', stream(bytes), put)
      const next = { ...put, replaces: first?.etag ?? '', sha256: '0'.repeat(64) }
      await expect(store.put('digest', stream(bytes), next)).rejects.toThrow(DigestMismatch)
      expect(await store.find('digest')).toEqual(first)
    })

    test('no bytes have a digest too', async () => {
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

  describe(`${name} takes recordings in pieces`, () => {
    test('pieces become one recording, with the facts that it was begun with', async () => {
      const store = create()
      const upload = await begin(store)
      expect(upload).toMatch(VISIBLE)
      const tags = await sendAll(store, upload)
      for (const tag of tags) expect(tag).toMatch(VISIBLE)
      const completed = await complete(store, upload, tags)
      const found = await factsOf(store, KEY)
      expect(found).toMatchObject({ ...completed, size, contentType: 'video/mp4', binding: dana })
      expect(found?.etag).toMatch(/^"[^"]+"$/)
      expect((found?.modified ?? 1) % 1000).toBe(0)
      await expectBytes(await store.open(KEY), whole)
    })

    test.each<[string, number, number]>([
      ['over the first border', pieceSize - 10, 20],
      ['over both', pieceSize - 1, pieceSize + 2],
      ['from a border on', pieceSize, 5],
    ])('a range %s is served', async (_, offset, length) => {
      const store = create()
      await storeAll(store)
      const opened = await store.open(KEY, { offset, length })
      expect(opened).toMatchObject({ size, range: { offset, length } })
      await expectBytes(opened, whole.slice(offset, offset + length))
    })

    test('nothing is seen of it before it is complete', async () => {
      const store = create()
      const upload = await begin(store)
      await sendAll(store, upload)
      expect(await store.find(KEY)).toBeNull()
      expect(await store.open(KEY)).toBeNull()
      expect(await stampsAt(store, [KEY, 'recordings/'])).toEqual([])
    })

    test('pieces come in any order, and several at once', async () => {
      const store = create()
      const upload = await begin(store)
      const third = await send(store, upload, 3)
      const [second, first] = await Promise.all([send(store, upload, 2), send(store, upload, 1)])
      await complete(store, upload, [first, second, third])
      await expectBytes(await store.open(KEY), whole)
    })

    test('one piece, and one byte, are enough', async () => {
      const store = create()
      const facts = { size: 1, pieceSize, contentType: 'video/mp4', binding: dana }
      const upload = await store.begin(KEY, facts)
      const tag = await store.putPiece(KEY, upload, stream(whole.slice(0, 1)), { number: 1, size: 1 })
      await store.complete(KEY, upload, { tags: [tag], size: 1, replaces: null })
      await expectBytes(await store.open(KEY), whole.slice(0, 1))
    })

    test('of a piece that is sent again the last one counts', async () => {
      const store = create()
      const upload = await begin(store)
      const other = bytesOf(size, 11)
      const [, second = '', third = ''] = await sendAll(store, upload)
      const old = await send(store, upload, 1, { of: other })
      const again = await send(store, upload, 1)
      await expect(complete(store, upload, [old, second, third])).rejects.toThrow(UploadUnknown)
      await complete(store, upload, [again, second, third])
      await expectBytes(await store.open(KEY), whole)
    })

    test('many who send the same piece at once spoil nothing', async () => {
      const store = create()
      const upload = await begin(store)
      const [, second = '', third = ''] = await sendAll(store, upload)
      const contents = [2, 3, 4].map(seed => bytesOf(size, seed))
      await Promise.all(contents.map(of => send(store, upload, 1, { of })))
      const last = await send(store, upload, 1)
      await complete(store, upload, [last, second, third])
      await expectBytes(await store.open(KEY), whole)
    })

    test('a piece has the digest that it was announced with, or is none', async () => {
      const store = create()
      const upload = await begin(store)
      const [first = '', second = ''] = await sendAll(store, upload)
      const right = await sha256(pieceOf(3))
      const wrong = send(store, upload, 3, { of: bytesOf(size, 5), sha256: right })
      await expect(wrong).rejects.toThrow(DigestMismatch)
      const third = await send(store, upload, 3, { sha256: right })
      await expect(
        send(store, upload, 1, { sha256: await sha256(pieceOf(2, bytesOf(size, 9))) }),
      ).rejects.toThrow(DigestMismatch)
      // What was there before is still what counts.
      await complete(store, upload, [first, second, third])
      await expectBytes(await store.open(KEY), whole)
    })

    test.each([
      ['fewer bytes than announced', (piece: Uint8Array<ArrayBuffer>) => stream(piece.slice(1))],
      ['more bytes than announced', (piece: Uint8Array<ArrayBuffer>) => stream(bytesOf(piece.length + 1, 2))],
      ['bytes that break off', (piece: Uint8Array<ArrayBuffer>) => broken(piece)],
    ])('%s are no piece, and spoil none', async (_, bad) => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      for (const digest of [{}, { sha256: await sha256(pieceOf(2)) }]) {
        const options = { number: 2, size: pieceSize, ...digest }
        await expect(store.putPiece(KEY, upload, bad(pieceOf(2)), options)).rejects.toThrow()
      }
      await complete(store, upload, tags)
      await expectBytes(await store.open(KEY), whole)
    })

    test('a piece that is missing, or another, completes nothing', async () => {
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

    test('a size that is off by one completes nothing', async () => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      for (const off of [size - 1, size + 1]) {
        await expect(store.complete(KEY, upload, { tags, size: off, replaces: null })).rejects.toThrow(
          UploadUnknown,
        )
      }
      expect(await store.find(KEY)).toBeNull()
    })

    test('an upload that was never begun is none', async () => {
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
        await store.abandon(KEY, unknown)
      }
      expect(await store.find(KEY)).toBeNull()
      expect(await complete(store, upload, tags)).toMatchObject({ size })
    })

    test('an upload is of one key, and of no other', async () => {
      const store = create()
      const theirs = 'recordings/theirs'
      const upload = await begin(store, theirs, ben)
      const tags = await sendAll(store, upload, whole, theirs)
      await expect(send(store, upload, 1)).rejects.toThrow(UploadUnknown)
      await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
      await store.abandon(KEY, upload)
      expect(await store.find(KEY)).toBeNull()
      await complete(store, upload, tags, { key: theirs })
      expect(await store.find(theirs)).toMatchObject({ size, binding: ben })
    })

    test('two uploads at once do not meet, and the second finds the first', async () => {
      const store = create()
      const [one, two] = await Promise.all([begin(store), begin(store)])
      expect(one).not.toBe(two)
      const other = bytesOf(size, 13)
      const [tagsOfOne, tagsOfTwo] = await Promise.all([sendAll(store, one), sendAll(store, two, other)])
      await expect(complete(store, one, tagsOfTwo)).rejects.toThrow(UploadUnknown)
      const first = await complete(store, one, tagsOfOne)
      expect(await complete(store, two, tagsOfTwo)).toBeNull()
      await expectBytes(await store.open(KEY), whole)
      // It is still there, for whoever looked at what was in its place.
      const second = await complete(store, two, tagsOfTwo, { replaces: first?.etag ?? '' })
      expect(second?.etag).not.toBe(first?.etag)
      await expectBytes(await store.open(KEY), other)
    })

    test('a version is replaced by another only where it is the one that was meant', async () => {
      const store = create()
      const small = bytesOf(10, 1)
      const facts = { size: 10, contentType: 'video/mp4', binding: dana }
      const first = await store.put(KEY, stream(small), { ...facts, replaces: null })
      expect(await storeAll(store)).toBeNull()
      expect(await storeAll(store, whole, '"another"')).toBeNull()
      const second = await storeAll(store, whole, first?.etag)
      expect(second).toMatchObject({ size })
      // Nor does what comes whole overwrite what came in pieces.
      expect(await store.put(KEY, stream(small), { ...facts, replaces: null })).toBeNull()
      const third = await store.put(KEY, stream(small), { ...facts, replaces: second?.etag ?? '' })
      expect(third).toMatchObject({ size: 10 })
      await expectBytes(await store.open(KEY), small)
    })

    test('what is complete is complete once', async () => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      const stored = await complete(store, upload, tags)
      // That it is too late for this may be said before that there is no upload any more.
      const late = complete(store, upload, tags).catch((error: unknown) =>
        error instanceof UploadUnknown ? null : error,
      )
      expect(await late).toBeNull()
      const anew = complete(store, upload, tags, { replaces: stored?.etag ?? '' })
      await expect(anew).rejects.toThrow(UploadUnknown)
      await expect(send(store, upload, 1)).rejects.toThrow(UploadUnknown)
      await store.abandon(KEY, upload)
      expect(await store.find(KEY)).toMatchObject({ etag: stored?.etag })
      await expectBytes(await store.open(KEY), whole)
    })

    test('what is given up is gone, also the second time', async () => {
      const store = create()
      const upload = await begin(store)
      const tags = await sendAll(store, upload)
      await store.abandon(KEY, upload)
      await store.abandon(KEY, upload)
      await expect(send(store, upload, 1)).rejects.toThrow(UploadUnknown)
      await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
      expect(await store.find(KEY)).toBeNull()
    })

    test('what is claimed is told, and asking claims nothing', async () => {
      const store = create()
      expect(await new Claims(store).find('asked')).toBeNull()
      expect(await new Claims(store).find('asked')).toBeNull()
      expect(await new Claims(store).claim('asked', ben, [])).toEqual(ben)
      expect(await new Claims(store).find('asked')).toEqual(ben)
    })
  })
}

/** By their digest: comparing millions of bytes one by one takes seconds. */
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
