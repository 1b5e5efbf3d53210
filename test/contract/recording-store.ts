import { describe, expect, test } from 'vitest'
import { MAX_ID, MAX_PART, MAX_SEGMENT } from '../../src/locate/names.ts'
import { Claims, stampsAt } from '../../src/recordings/claims.ts'
import type { Binding } from '../../src/recordings/recording.ts'
import { BytesUnavailable, type RecordingStore } from '../../src/recordings/recording-store.ts'
import { ben, bytesOf, dana, factsOf, read, stream } from './recordings.ts'
import { uploadContract } from './uploads.ts'

// What every adapter of the port RecordingStore must do; each adapter's test file runs this.

const bytes = bytesOf(1000, 7)

function upload(content: Uint8Array<ArrayBuffer>, binding: Binding, replaces: string | null = null) {
  return { size: content.length, contentType: 'video/mp4', binding, replaces }
}

/**
 * @param pieceSize the smallest piece that the store takes of a recording that comes in pieces, but for the last
 */
export function recordingStoreContract(
  name: string,
  create: () => RecordingStore,
  pieceSize: number = 1000,
): void {
  uploadContract(name, create, pieceSize)

  describe(`${name} is a recording store`, () => {
    test('what was put is found and opened, with its facts', async () => {
      const store = create()
      const put = await store.put('facts', stream(bytes), upload(bytes, dana))
      const found = await factsOf(store, 'facts')
      const opened = await store.open('facts')
      expect(found).toEqual(put)
      expect(found).toMatchObject({ size: 1000, contentType: 'video/mp4', binding: dana })
      expect(found?.etag).toMatch(/^"[^"]+"$/)
      expect((found?.modified ?? 1) % 1000).toBe(0)
      expect(opened).toMatchObject({ ...found, range: { offset: 0, length: 1000 } })
      expect(await read(opened)).toEqual(bytes)
    })

    test('what is not there is null', async () => {
      const store = create()
      expect(await store.find('absent')).toBeNull()
      expect(await store.open('absent')).toBeNull()
      expect(await store.open('absent', { offset: 5, length: 5 })).toBeNull()
      expect(await store.open('absent', { suffix: 5 })).toBeNull()
    })

    test.each([
      [{ offset: 0, length: 1 }, 0, 1],
      [{ offset: 10, length: 20 }, 10, 20],
      [{ offset: 999 }, 999, 1],
      [{ offset: 990, length: 100 }, 990, 10],
      [{ offset: 3, length: Number.MAX_SAFE_INTEGER - 3 }, 3, 997],
      [{ suffix: 1 }, 999, 1],
      [{ suffix: 5000 }, 0, 1000],
    ])('%o is served from %i, %i bytes long', async (range, offset, length) => {
      const store = create()
      await store.put('ranges', stream(bytes), upload(bytes, dana))
      const opened = await store.open('ranges', range)
      expect(opened).toMatchObject({ size: 1000, binding: dana, range: { offset, length } })
      expect(await read(opened)).toEqual(bytes.subarray(offset, offset + length))
    })

    test.each([{ offset: 1000 }, { offset: 1000, length: 1 }, { offset: Number.MAX_SAFE_INTEGER }])(
      '%o can not be satisfied: no bytes come, and the facts stay to be found',
      async range => {
        const store = create()
        await store.put('ranges', stream(bytes), upload(bytes, dana))
        await expect(store.open('ranges', range)).rejects.toThrow(BytesUnavailable)
        expect(await store.find('ranges')).toMatchObject({ size: 1000, binding: dana })
      },
    )

    test('an empty object satisfies no range', async () => {
      const store = create()
      await store.put('empty', null, upload(new Uint8Array(0), dana))
      for (const range of [{ offset: 0 }, { offset: 0, length: 1 }, { suffix: 1 }]) {
        await expect(store.open('empty', range)).rejects.toThrow(BytesUnavailable)
      }
      expect(await store.find('empty')).toMatchObject({ size: 0, binding: dana })
    })

    test('a put that expects nothing there changes nothing that is', async () => {
      const store = create()
      await store.put('taken', stream(bytes), upload(bytes, dana))
      expect(await store.put('taken', stream(bytes.slice(0, 5)), upload(bytes.slice(0, 5), ben))).toBeNull()
      expect(await store.find('taken')).toMatchObject({ size: 1000, binding: dana })
    })

    test('a put that expects a version replaces that version only', async () => {
      const store = create()
      const first = await store.put('versions', stream(bytes), upload(bytes, dana))
      const second = await store.put(
        'versions',
        stream(bytes.slice(1)),
        upload(bytes.slice(1), dana, first?.etag),
      )
      expect(second?.size).toBe(999)
      expect(await store.put('versions', stream(bytes), upload(bytes, dana, first?.etag))).toBeNull()
      expect(await store.find('versions')).toMatchObject({ size: 999, etag: second?.etag })
    })

    test('of many puts at once one wins, whole', async () => {
      const store = create()
      const contents = Array.from({ length: 10 }, (_, i) => new Uint8Array(100 + i).fill(i))
      const puts = await Promise.all(
        contents.map((content, i) =>
          store.put('race', stream(content), upload(content, { ...ben, owner: `patient-${i}` })),
        ),
      )
      const winners = puts.flatMap((put, i) => (put === null ? [] : [i]))
      expect(winners).toHaveLength(1)
      const opened = await store.open('race')
      expect(opened?.binding.owner).toBe(`patient-${winners[0]}`)
      expect(await read(opened)).toEqual(contents[winners[0] ?? 0])
    })

    test('fewer bytes than announced store nothing', async () => {
      const store = create()
      const short = store.put('short', stream(bytes.slice(0, 10)), { ...upload(bytes, dana), size: 1000 })
      await expect(short).rejects.toThrow()
      expect(await store.find('short')).toBeNull()
    })

    test('more bytes than announced store nothing', async () => {
      const store = create()
      const long = store.put('long', stream(bytes), { ...upload(bytes, dana), size: 999 })
      await expect(long).rejects.toThrow()
      expect(await store.find('long')).toBeNull()
    })

    test('a body that breaks off stores nothing', async () => {
      const store = create()
      let pulls = 0
      const broken = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (pulls++ === 0) controller.enqueue(bytes.slice(0, 10))
          else controller.error(new Error('the network is gone'))
        },
      })
      await expect(store.put('broken', broken, upload(bytes, dana))).rejects.toThrow()
      expect(await store.find('broken')).toBeNull()
    })

    test('a part can be left unread', async () => {
      const store = create()
      await store.put('unread', stream(bytes), upload(bytes, dana))
      for (let i = 0; i < 20; i++) {
        const opened = await store.open('unread')
        await opened?.body.cancel()
      }
      expect(await read(await store.open('unread'))).toEqual(bytes)
    })

    test('a recording is claimed once, also by many at once', async () => {
      const store = create()
      const claims = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          new Claims(store).claim('claimed', { ...ben, owner: `patient-${i}` }, []),
        ),
      )
      expect(new Set(claims.map(({ owner }) => owner)).size).toBe(1)
      expect(await new Claims(store).claim('claimed', dana, [])).toEqual(claims[0])
      expect(await new Claims(store).claim('another', dana, [])).toEqual(dana)
    })

    test('whose the objects at some places are is told in the order of the places', async () => {
      const store = create()
      const ida: Binding = { owner: 'patient-3' }
      await store.put('recordings/file', stream(bytes), upload(bytes, dana))
      await store.put('recordings/file2', stream(bytes), upload(bytes, ida))
      await store.put('recordings/set/b.ts', stream(bytes), upload(bytes, ben))
      await store.put('recordings/set/a-c.ts', stream(bytes), upload(bytes, ben))
      await store.put('recordings/set/a/b.ts', stream(bytes), upload(bytes, ben))
      await store.put('recordings/deep/down/there', stream(bytes), upload(bytes, ida))
      await store.put('recordings/nobodys', stream(bytes), upload(bytes, {}))
      expect(await stampsAt(store, ['recordings/file'])).toEqual([dana])
      expect(await stampsAt(store, ['recordings/file/', 'recordings/fil', 'recordings/none'])).toEqual([])
      expect(await stampsAt(store, ['recordings/set/'])).toEqual([ben])
      expect(await stampsAt(store, ['recordings/set', 'recordings/se/', 'recordings/deep/down/'])).toEqual([
        ida,
      ])
      expect(
        await stampsAt(store, [
          'recordings/deep/',
          'recordings/none/',
          'recordings/set/',
          'recordings/nobodys',
          'recordings/file',
        ]),
      ).toEqual([ida, ben, {}, dana])
      expect(await stampsAt(store, [])).toEqual([])
    })

    test('a name is one object, whatever characters of a name it has, and however long it is', async () => {
      const store = create()
      const parts = [
        ...['a', 'a.b', 'a-b', 'a_b', 'a=b', 'a+b', 'a:b', 'a@b', '=', '+', ':', '@', 'a..', 'a@b:c=d+e/f'],
        ...['@facts.json', 'a@facts.json', 'a@facts.json/b', `a@${'0'.repeat(32)}`, `a@${'0'.repeat(32)}/b`],
        ...['2026-11-25T10:00:00+01:00.ts', '@'.repeat(MAX_SEGMENT), ':'.repeat(MAX_SEGMENT)],
        `${`${'x'.repeat(MAX_SEGMENT)}/`.repeat(3)}${'y'.repeat(MAX_PART - 3 * (MAX_SEGMENT + 1))}`,
      ]
      const longest = 'i'.repeat(MAX_ID)
      const keys = ['1.2.840.113619.2.62', longest].flatMap(id =>
        parts.map(part => `recordings/${id}/${part}`),
      )
      for (const key of keys) {
        expect(await store.find(key)).toBeNull()
        const content = Uint8Array.from(new TextEncoder().encode(key))
        expect(await store.put(key, stream(content), upload(content, dana))).toMatchObject({
          size: key.length,
        })
      }
      for (const key of keys) expect(new TextDecoder().decode(await read(await store.open(key)))).toBe(key)
      expect(await new Claims(store).claim(longest, dana, [])).toEqual(dana)
    })

    test.each(['a=b', 'a+b', 'a:b', 'a@b', 'a@b/c', '@/:'])('below a prefix %s is found', async part => {
      const store = create()
      await store.put(`recordings/set/${part}`, stream(bytes), upload(bytes, dana))
      expect(await stampsAt(store, ['recordings/set/'])).toEqual([dana])
    })

    test('a recording stored by other means is claimed for whom it is stamped', async () => {
      const store = create()
      await store.put('recordings/whole', stream(bytes), upload(bytes, dana))
      await store.put('recordings/parts/a/b.ts', stream(bytes), upload(bytes, dana))
      await store.put('recordings/whole2', stream(bytes), upload(bytes, ben))
      await store.put('recordings/who', stream(bytes), upload(bytes, ben))
      const keyPrefixes = (id: string) => [`recordings/${id}`, `recordings/${id}/`]
      expect(await new Claims(store).claim('whole', ben, keyPrefixes('whole'))).toEqual(dana)
      expect(await new Claims(store).claim('parts', ben, keyPrefixes('parts'))).toEqual(dana)
      expect(await new Claims(store).claim('wh', dana, keyPrefixes('wh'))).toEqual(dana)
      expect(await new Claims(store).claim('whole', ben, [])).toEqual(dana)
    })

    test('a recording is never bound to nobody', async () => {
      const store = create()
      await store.put('recordings/unstamped', stream(bytes), upload(bytes, {}))
      await store.put('recordings/unstamped/a.ts', stream(bytes), upload(bytes, { tenant: 'north' }))
      const at = ['recordings/unstamped', 'recordings/unstamped/']
      expect(await new Claims(store).claim('unstamped', ben, at)).toEqual({})
      expect(await new Claims(store).find('unstamped')).toBeNull()
      // Of several issuers, nobody knows in whose name space it is an id.
      await store.put('recordings/issuerless', stream(bytes), upload(bytes, { owner: 'patient-1' }))
      const issuerless = ['recordings/issuerless']
      expect(await new Claims(store).claim('issuerless', ben, issuerless)).toEqual({ owner: 'patient-1' })
      expect(await new Claims(store).find('issuerless')).toBeNull()
      expect(await new Claims(store, ben.issuer).claim('issuerless', ben, issuerless)).toEqual({
        owner: 'patient-1',
      })
      expect(await new Claims(store).find('issuerless')).toEqual({ owner: 'patient-1' })
      // An owner counts wherever it is.
      await store.put('recordings/stamped.mp4', stream(bytes), upload(bytes, dana))
      expect(await new Claims(store).claim('unstamped', ben, [...at, 'recordings/stamped.mp4'])).toEqual(dana)
      expect(await new Claims(store).find('unstamped')).toEqual(dana)
    })
  })
}

/** The object that is damaged. */
export const KEY = 'recordings/rec-1'

/**
 * What every adapter must do whose objects can come to be so that their bytes can't be given.
 *
 * @param damages makes a store that holds `KEY` of dana, so damaged, and nothing else
 */
export function damagedBytesContract(
  name: string,
  damages: Readonly<Record<string, () => Promise<RecordingStore>>>,
): void {
  for (const [damage, create] of Object.entries(damages)) {
    test(`${name}: facts come also when the bytes are damaged (${damage}); the fault is told only with the body`, async () => {
      const store = await create()
      expect(await store.find(KEY)).toMatchObject({ binding: dana })
      expect(await stampsAt(store, [KEY, `${KEY}/`])).toEqual([dana])
      expect(await new Claims(store).claim('rec-1', ben, [KEY])).toEqual(dana)
      for (const range of [undefined, { offset: 0, length: 1 }, { suffix: 1 }]) {
        await expect(store.open(KEY, range)).rejects.toThrow(BytesUnavailable)
      }
    })
  }
}

/**
 * What every adapter must do whose lists take time.
 *
 * @param crowded makes a store that holds nothing but so many parts of `recordings/rec-1/`, all of dana
 * @param many so many that to list them all takes the store over 10 ms
 */
export function listingContract(
  name: string,
  crowded: (parts: number) => Promise<RecordingStore>,
  many: number,
): void {
  test(`whose it is takes no more time to tell of many parts than of few: ${name}`, async () => {
    const least = async (parts: number) => {
      const store = await crowded(parts)
      const times: number[] = []
      for (let run = 0; run < 20; run += 1) {
        const from = performance.now()
        expect(await stampsAt(store, ['recordings/rec-1/'])).toEqual([dana])
        times.push(performance.now() - from)
      }
      return Math.min(...times)
    }
    // A beat of the gate's answers is 25 ms.
    expect((await least(many)) - (await least(2))).toBeLessThan(10)
  })
}

/**
 * What every adapter must do that claims by an object.
 *
 * @param create a store that two calls share
 */
export function claimObjectContract(name: string, create: () => RecordingStore): void {
  test(`${name}: a claim without an owner counts as absent, and is replaced once, also by many at once`, async () => {
    const store = create()
    await store.put('.mediaward/bindings/rec-1', null, upload(new Uint8Array(0), { tenant: 'north' }))
    expect(await new Claims(store).find('rec-1')).toBeNull()
    const claims = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        new Claims(store).claim('rec-1', { ...ben, owner: `patient-${i}` }, []),
      ),
    )
    expect(new Set(claims.map(({ owner }) => owner)).size).toBe(1)
    expect(await new Claims(store).find('rec-1')).toEqual(claims[0])
    expect(await new Claims(store).claim('rec-1', dana, [])).toEqual(claims[0])
  })
}
