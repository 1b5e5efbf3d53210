import { describe, expect, test } from 'vitest'
import { MAX_PART, MAX_RECORDING_ID, MAX_SEGMENT } from '../../src/locate/names.ts'
import { Claims, stampsAt } from '../../src/recordings/claims.ts'
import { type Ownership, PROBE_KEY } from '../../src/recordings/recording.ts'
import {
  BytesUnavailable,
  type OpenedPart,
  type RecordingStore,
  type RequestedRange,
} from '../../src/recordings/recording-store.ts'
import { factsOf, patient1, patient2, read, sampleBytes, stream } from './recordings.ts'
import { uploadContract } from './uploads.ts'

// The contract of the port RecordingStore. The test file of each adapter runs it.

const bytes = sampleBytes(1000, 7)

/** Bytes of an object that every store can cut. */
const LONG = 9 * 2 ** 20

function upload(content: Uint8Array<ArrayBuffer>, ownership: Ownership, replaces: string | null = null) {
  return { size: content.length, contentType: 'video/mp4', ownership, replaces }
}

/**
 * @param pieceSize the smallest piece that the store takes, except for the last piece of an upload
 */
export function recordingStoreContract(
  name: string,
  create: () => RecordingStore,
  pieceSize: number = 1000,
): void {
  uploadContract(name, create, pieceSize)

  describe(`${name} as a recording store`, () => {
    test('a store finds and opens what was put, with its facts', async () => {
      const store = create()
      const put = await store.put('facts', stream(bytes), upload(bytes, patient1))
      const found = await factsOf(store, 'facts')
      const opened = await store.open('facts')
      expect(found).toEqual(put)
      expect(found).toMatchObject({ size: 1000, contentType: 'video/mp4', ownership: patient1 })
      expect(found?.etag).toMatch(/^"[^"]+"$/)
      expect((found?.modified ?? 1) % 1000).toBe(0)
      expect(opened).toMatchObject({ ...found, range: { offset: 0, length: 1000 } })
      expect(await read(opened)).toEqual(bytes)
    })

    test('a store resolves to null for an object that does not exist', async () => {
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
    ])('a store serves %o from byte %i, %i bytes long', async (range, offset, length) => {
      const store = create()
      await store.put('ranges', stream(bytes), upload(bytes, patient1))
      const opened = await store.open('ranges', range)
      expect(opened).toMatchObject({ size: 1000, ownership: patient1, range: { offset, length } })
      expect(await read(opened)).toEqual(bytes.subarray(offset, offset + length))
    })

    test.each([{ offset: 1000 }, { offset: 1000, length: 1 }, { offset: Number.MAX_SAFE_INTEGER }])(
      'a store gives no bytes for %o, which the object cannot satisfy, and still finds its facts',
      async range => {
        const store = create()
        await store.put('ranges', stream(bytes), upload(bytes, patient1))
        await bytesUnavailable(store, 'ranges', range)
        expect(await store.find('ranges')).toMatchObject({ size: 1000, ownership: patient1 })
      },
    )

    test('a store gives no bytes for a range of an empty object', async () => {
      const store = create()
      await store.put('empty', null, upload(new Uint8Array(0), patient1))
      for (const range of [{ offset: 0 }, { offset: 0, length: 1 }, { suffix: 1 }]) {
        await bytesUnavailable(store, 'empty', range)
      }
      expect(await store.find('empty')).toMatchObject({ size: 0, ownership: patient1 })
    })

    test('a put does not replace an object if there must be none', async () => {
      const store = create()
      await store.put('taken', stream(bytes), upload(bytes, patient1))
      expect(
        await store.put('taken', stream(bytes.slice(0, 5)), upload(bytes.slice(0, 5), patient2)),
      ).toBeNull()
      expect(await store.find('taken')).toMatchObject({ size: 1000, ownership: patient1 })
    })

    test('a put replaces only the version that it names', async () => {
      const store = create()
      const first = await store.put('versions', stream(bytes), upload(bytes, patient1))
      const second = await store.put(
        'versions',
        stream(bytes.slice(1)),
        upload(bytes.slice(1), patient1, first?.etag),
      )
      expect(second?.size).toBe(999)
      expect(await store.put('versions', stream(bytes), upload(bytes, patient1, first?.etag))).toBeNull()
      expect(await store.find('versions')).toMatchObject({ size: 999, etag: second?.etag })
    })

    test('a store removes the probe of the doctor, and no other object', async () => {
      const store = create()
      await store.put('recordings/kept', stream(bytes), upload(bytes, patient1))
      expect(await store.removeProbe?.()).toBe(true)
      await store.put(PROBE_KEY, stream(bytes), upload(bytes, patient1))
      expect(await store.find(PROBE_KEY)).toMatchObject({ size: 1000 })
      expect(await store.removeProbe?.()).toBe(true)
      expect(await store.find(PROBE_KEY)).toBeNull()
      expect(await store.open(PROBE_KEY)).toBeNull()
      expect(await store.find('recordings/kept')).toMatchObject({ size: 1000 })
      expect(await store.put(PROBE_KEY, stream(bytes), upload(bytes, patient2))).toMatchObject({
        ownership: patient2,
      })
    })

    test('one of many concurrent puts wins, whole', async () => {
      const store = create()
      const contents = Array.from({ length: 10 }, (_, i) => new Uint8Array(100 + i).fill(i))
      const puts = await Promise.all(
        contents.map((content, i) =>
          store.put('race', stream(content), upload(content, { ...patient2, owner: `patient-${i}` })),
        ),
      )
      const winners = puts.flatMap((put, i) => (put === null ? [] : [i]))
      expect(winners).toHaveLength(1)
      const opened = await store.open('race')
      expect(opened?.ownership.owner).toBe(`patient-${winners[0]}`)
      expect(await read(opened)).toEqual(contents[winners[0] ?? 0])
    })

    test('a put stores nothing if fewer bytes come than announced', async () => {
      const store = create()
      const short = store.put('short', stream(bytes.slice(0, 10)), { ...upload(bytes, patient1), size: 1000 })
      await expect(short).rejects.toThrow()
      expect(await store.find('short')).toBeNull()
    })

    test('a put stores nothing if more bytes come than announced', async () => {
      const store = create()
      const long = store.put('long', stream(bytes), { ...upload(bytes, patient1), size: 999 })
      await expect(long).rejects.toThrow()
      expect(await store.find('long')).toBeNull()
    })

    test('a put stores nothing of a body that breaks off', async () => {
      const store = create()
      let pulls = 0
      const broken = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (pulls++ === 0) controller.enqueue(bytes.slice(0, 10))
          else controller.error(new Error('the network is gone'))
        },
      })
      await expect(store.put('broken', broken, upload(bytes, patient1))).rejects.toThrow()
      expect(await store.find('broken')).toBeNull()
    })

    test('a body can be cancelled without being read', async () => {
      const store = create()
      await store.put('unread', stream(bytes), upload(bytes, patient1))
      for (let i = 0; i < 20; i++) {
        const opened = await store.open('unread')
        await opened?.body.cancel()
      }
      expect(await read(await store.open('unread'))).toEqual(bytes)
    })

    /** Opens a long object, and reads the first of its bytes. */
    async function begin(store: RecordingStore, key: string): Promise<Reading> {
      if ((await store.find(key)) === null) {
        const long = sampleBytes(LONG, 3)
        await store.put(key, stream(long), upload(long, patient1))
      }
      const part = await store.open(key)
      if (part?.cut === undefined || part.taken === undefined) throw new Error('the body can not be cut')
      const reader = part.body.getReader()
      const received = (await reader.read()).value?.length ?? 0
      return { reader, received, taken: part.taken, cut: part.cut }
    }

    test('a body that is cut fails its reader before the end', async () => {
      const reading = await begin(create(), 'cut')
      reading.cut()
      expect(await readOn(reading)).toBe('failed')
      await endedEarly(reading)
      reading.cut()
    })

    test('a body is cut while its reader waits for bytes, and while it waits for none', async () => {
      const store = create()
      const waiting = await begin(store, 'cut')
      const next = waiting.reader.read().then(
        ({ done }) => done,
        () => 'failed',
      )
      waiting.cut()
      // The bytes of one read may have been on their way.
      expect([false, 'failed']).toContain(await next)
      expect(await readOn(waiting)).toBe('failed')
      await endedEarly(waiting)

      const idle = await begin(store, 'cut')
      await new Promise(resolve => setTimeout(resolve, 50))
      idle.cut()
      await endedEarly(idle)
      expect(await readOn(idle)).toBe('failed')
    })

    test('a body that was read to its end is known to be complete, and can not be cut any more', async () => {
      const reading = await begin(create(), 'complete')
      expect(await readOn(reading)).toBe(LONG)
      expect(await reading.taken).toBe(LONG)
      reading.cut()
      expect(await reading.taken).toBe(LONG)
    })

    test('a body that is cancelled is known to have ended early', async () => {
      const reading = await begin(create(), 'cancelled')
      await reading.reader.cancel()
      await endedEarly(reading)
      reading.cut()
      await endedEarly(reading)
    })

    test('a range can be cut, and a short one need not be', async () => {
      const store = create()
      await (await begin(store, 'range')).reader.cancel()
      const long = await store.open('range', { offset: 1, length: LONG - 2 })
      expect(long?.range).toEqual({ offset: 1, length: LONG - 2 })
      long?.cut?.()
      await expect(read(long)).rejects.toThrow()
      const short = await store.open('range', { offset: 100, length: 64 * 1024 })
      expect(short?.cut).toBeUndefined()
      expect(await read(short)).toEqual(sampleBytes(LONG, 3).subarray(100, 100 + 64 * 1024))
    })

    test('bodies that are cut hold nothing back from the next reader', async () => {
      const store = create()
      for (let i = 0; i < 20; i++) {
        const reading = await begin(store, 'released')
        reading.cut()
        await endedEarly(reading)
      }
      for (let i = 0; i < 20; i++) {
        const opened = await store.open('released')
        opened?.cut?.()
        await opened?.body.cancel().catch(() => {})
      }
      expect(await read(await store.open('released'))).toEqual(sampleBytes(LONG, 3))
    })

    test('a recording is claimed once, even by many callers at once', async () => {
      const store = create()
      const claims = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          new Claims(store).claim('claimed', { ...patient2, owner: `patient-${i}` }, []),
        ),
      )
      expect(new Set(claims.map(({ owner }) => owner)).size).toBe(1)
      expect(await new Claims(store).claim('claimed', patient1, [])).toEqual(claims[0])
      expect(await new Claims(store).claim('another', patient1, [])).toEqual(patient1)
    })

    test('the owners stamped at several prefixes are returned in the order of the prefixes', async () => {
      const store = create()
      const patient3: Ownership = { owner: 'patient-3' }
      await store.put('recordings/file', stream(bytes), upload(bytes, patient1))
      await store.put('recordings/file2', stream(bytes), upload(bytes, patient3))
      await store.put('recordings/set/b.ts', stream(bytes), upload(bytes, patient2))
      await store.put('recordings/set/a-c.ts', stream(bytes), upload(bytes, patient2))
      await store.put('recordings/set/a/b.ts', stream(bytes), upload(bytes, patient2))
      await store.put('recordings/deep/down/there', stream(bytes), upload(bytes, patient3))
      await store.put('recordings/unowned', stream(bytes), upload(bytes, {}))
      expect(await stampsAt(store, ['recordings/file'])).toEqual([patient1])
      expect(await stampsAt(store, ['recordings/file/', 'recordings/fil', 'recordings/none'])).toEqual([])
      expect(await stampsAt(store, ['recordings/set/'])).toEqual([patient2])
      expect(await stampsAt(store, ['recordings/set', 'recordings/se/', 'recordings/deep/down/'])).toEqual([
        patient3,
      ])
      expect(
        await stampsAt(store, [
          'recordings/deep/',
          'recordings/none/',
          'recordings/set/',
          'recordings/unowned',
          'recordings/file',
        ]),
      ).toEqual([patient3, patient2, {}, patient1])
      expect(await stampsAt(store, [])).toEqual([])
    })

    test('a store keeps apart the objects of all allowed names, up to the longest', async () => {
      const store = create()
      const parts = [
        ...['a', 'a.b', 'a-b', 'a_b', 'a=b', 'a+b', 'a:b', 'a@b', '=', '+', ':', '@', 'a..', 'a@b:c=d+e/f'],
        ...['@facts.json', 'a@facts.json', 'a@facts.json/b', `a@${'0'.repeat(32)}`, `a@${'0'.repeat(32)}/b`],
        ...['2026-11-25T10:00:00+01:00.ts', '@'.repeat(MAX_SEGMENT), ':'.repeat(MAX_SEGMENT)],
        `${`${'x'.repeat(MAX_SEGMENT)}/`.repeat(3)}${'y'.repeat(MAX_PART - 3 * (MAX_SEGMENT + 1))}`,
      ]
      const longest = 'i'.repeat(MAX_RECORDING_ID)
      const keys = ['1.2.840.113619.2.62', longest].flatMap(id =>
        parts.map(part => `recordings/${id}/${part}`),
      )
      for (const key of keys) {
        expect(await store.find(key)).toBeNull()
        const content = Uint8Array.from(new TextEncoder().encode(key))
        expect(await store.put(key, stream(content), upload(content, patient1))).toMatchObject({
          size: key.length,
        })
      }
      for (const key of keys) expect(new TextDecoder().decode(await read(await store.open(key)))).toBe(key)
      expect(await new Claims(store).claim(longest, patient1, [])).toEqual(patient1)
    })

    test.each(['a=b', 'a+b', 'a:b', 'a@b', 'a@b/c', '@/:'])(
      'a store finds the part %s below a prefix',
      async part => {
        const store = create()
        await store.put(`recordings/set/${part}`, stream(bytes), upload(bytes, patient1))
        expect(await stampsAt(store, ['recordings/set/'])).toEqual([patient1])
      },
    )

    test('a recording that another tool stored is claimed for the owner it is stamped with', async () => {
      const store = create()
      await store.put('recordings/whole', stream(bytes), upload(bytes, patient1))
      await store.put('recordings/parts/a/b.ts', stream(bytes), upload(bytes, patient1))
      await store.put('recordings/whole2', stream(bytes), upload(bytes, patient2))
      await store.put('recordings/who', stream(bytes), upload(bytes, patient2))
      const keyPrefixes = (id: string) => [`recordings/${id}`, `recordings/${id}/`]
      expect(await new Claims(store).claim('whole', patient2, keyPrefixes('whole'))).toEqual(patient1)
      expect(await new Claims(store).claim('parts', patient2, keyPrefixes('parts'))).toEqual(patient1)
      expect(await new Claims(store).claim('wh', patient1, keyPrefixes('wh'))).toEqual(patient1)
      expect(await new Claims(store).claim('whole', patient2, [])).toEqual(patient1)
    })

    test('a recording that is stored without an owner is never claimed', async () => {
      const store = create()
      await store.put('recordings/unstamped', stream(bytes), upload(bytes, {}))
      await store.put('recordings/unstamped/a.ts', stream(bytes), upload(bytes, { tenant: 'north' }))
      const at = ['recordings/unstamped', 'recordings/unstamped/']
      expect(await new Claims(store).claim('unstamped', patient2, at)).toEqual({})
      expect(await new Claims(store).find('unstamped')).toBeNull()
      // With several issuers, the owner's id alone names no person.
      await store.put('recordings/issuerless', stream(bytes), upload(bytes, { owner: 'patient-1' }))
      const issuerless = ['recordings/issuerless']
      expect(await new Claims(store).claim('issuerless', patient2, issuerless)).toEqual({
        owner: 'patient-1',
      })
      expect(await new Claims(store).find('issuerless')).toBeNull()
      expect(await new Claims(store, patient2.issuer).claim('issuerless', patient2, issuerless)).toEqual({
        owner: 'patient-1',
      })
      expect(await new Claims(store).find('issuerless')).toBeNull()
      expect(await new Claims(store, patient2.issuer).find('issuerless')).toEqual({ owner: 'patient-1' })
      // An owner counts wherever it is.
      await store.put('recordings/stamped.mp4', stream(bytes), upload(bytes, patient1))
      expect(await new Claims(store).claim('unstamped', patient2, [...at, 'recordings/stamped.mp4'])).toEqual(
        patient1,
      )
      expect(await new Claims(store).find('unstamped')).toEqual(patient1)
    })
  })
}

/** A body that is being read. */
interface Reading extends Required<Pick<OpenedPart, 'taken' | 'cut'>> {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>
  readonly received: number
}

/** Reads a body on to its end. Resolves to how many bytes came in all. */
async function readOn({ reader, received }: Reading): Promise<number | 'failed'> {
  let sum = received
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return sum
      sum += value.length
    }
  } catch {
    return 'failed'
  }
}

/** Expects that a body is known to have ended early. */
async function endedEarly({ taken, received }: Reading): Promise<void> {
  const left = await taken
  if (left === 'cut') return
  expect(left).toBeGreaterThanOrEqual(received)
  expect(left).toBeLessThan(LONG)
}

/** Expects that a store gives no bytes of an object, and their facts with that if it promises them. */
async function bytesUnavailable(store: RecordingStore, key: string, range?: RequestedRange): Promise<void> {
  const error = await store.open(key, range).catch((fault: unknown) => fault)
  if (!(error instanceof BytesUnavailable)) throw new Error('the store gave the bytes, or failed otherwise')
  const { givesFacts } = store
  const isPromised = givesFacts === 'always' || (givesFacts === 'whole' && range === undefined)
  if (isPromised || error.facts !== undefined) expect(error.facts).toEqual(await store.find(key))
}

/** The key of the damaged object. */
export const KEY = 'recordings/rec-1'

/**
 * The contract of an adapter whose objects can have damaged bytes.
 *
 * @param damages by its name, each creates a store that holds nothing but `KEY`, owned by patient1 and damaged
 */
export function damagedBytesContract(
  name: string,
  damages: Readonly<Record<string, () => Promise<RecordingStore>>>,
): void {
  for (const [damage, create] of Object.entries(damages)) {
    test(`${name} gives the facts of an object with damaged bytes (${damage}), and the fault only with the body`, async () => {
      const store = await create()
      expect(await store.find(KEY)).toMatchObject({ ownership: patient1 })
      expect(await stampsAt(store, [KEY, `${KEY}/`])).toEqual([patient1])
      expect(await new Claims(store).claim('rec-1', patient2, [KEY])).toEqual(patient1)
      for (const range of [undefined, { offset: 0, length: 1 }, { suffix: 1 }]) {
        await bytesUnavailable(store, KEY, range)
      }
    })
  }
}

/**
 * The contract of an adapter that needs time to list objects.
 *
 * @param crowded creates a store that holds nothing but this many parts of `recordings/rec-1/`, all owned by patient1
 * @param many a number of parts that the store needs over 10 ms to list
 */
export function listingContract(
  name: string,
  crowded: (parts: number) => Promise<RecordingStore>,
  many: number,
): void {
  test(`${name} finds the owner of many parts as fast as that of few`, async () => {
    const least = async (parts: number) => {
      const store = await crowded(parts)
      const times: number[] = []
      for (let run = 0; run < 20; run += 1) {
        const from = performance.now()
        expect(await stampsAt(store, ['recordings/rec-1/'])).toEqual([patient1])
        times.push(performance.now() - from)
      }
      return Math.min(...times)
    }
    // The gate answers in timing slots of 25 ms.
    expect((await least(many)) - (await least(2))).toBeLessThan(10)
  })
}

/** The contract of an adapter that keeps each claim as an object. */
export function claimObjectContract(name: string, create: () => RecordingStore): void {
  test(`${name} replaces a claim without an owner once, even for many callers at once`, async () => {
    const store = create()
    await store.put('.mediaward/bindings/rec-1', null, upload(new Uint8Array(0), { tenant: 'north' }))
    expect(await new Claims(store).find('rec-1')).toBeNull()
    const claims = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        new Claims(store).claim('rec-1', { ...patient2, owner: `patient-${i}` }, []),
      ),
    )
    expect(new Set(claims.map(({ owner }) => owner)).size).toBe(1)
    expect(await new Claims(store).find('rec-1')).toEqual(claims[0])
    expect(await new Claims(store).claim('rec-1', patient1, [])).toEqual(claims[0])
  })
}
