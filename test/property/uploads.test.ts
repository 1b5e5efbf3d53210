import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RecordingStore } from '../../src/index.ts'
import { createFolderStore } from '../../src/runtime/local/index.ts'
import { createMemoryStore } from '../../src/runtime/memory/index.ts'
import { factsOf, sampleBytes, sha256 } from '../contract/recordings.ts'
import { sample } from '../support/sample.ts'

// Uploads in pieces, in any order of what recorders can do: a folder does as the store in memory does, which is so
// simple that it can be read, and every version is one that was completed.

const KEYS = ['recordings/a', 'recordings/b']
const PIECE = 10
const SIZE = 25

/** One thing that a recorder does; mostly with the first upload of the first key, so that some come to an end. */
const upload = fc.constantFrom(0, 0, 0, 1, 2)
const key = fc.constantFrom(0, 0, 0, 0, 1)
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('begin' as const), key }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('piece' as const),
      key,
      upload,
      number: fc.constantFrom(1, 2, 3, 1, 2, 3, 0, 4),
      seed: fc.nat(2),
      how: fc.constantFrom('whole', 'whole', 'whole', 'digest', 'wrong', 'short', 'long', 'broken'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('complete' as const),
      key,
      upload,
      replaces: fc.boolean(),
      size: fc.constantFrom(SIZE, SIZE, SIZE, SIZE - 1),
      drop: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), key, upload }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

/** Every run begins with two uploads that a completion makes a recording of. */
const FIRST: readonly Step[] = ([0, 1] as const).flatMap((upload): Step[] => [
  { do: 'begin', key: 0 },
  ...([1, 2, 3] as const).map(
    (number): Step => ({ do: 'piece', key: 0, upload, number, seed: upload, how: 'whole' }),
  ),
])

/** And ends with two completions, of which the second is too late. */
const LAST: readonly Step[] = ([0, 1] as const).map(
  (upload): Step => ({ do: 'complete', key: 0, upload, replaces: false, size: SIZE, drop: 0 }),
)

interface Recorder {
  store: RecordingStore
  readonly restart: () => RecordingStore
  readonly uploads: string[]
  /** By upload: what was answered to its pieces last. */
  readonly tags: Map<number, string[]>
}

/** Does a step, and tells what came of it in words that are the same for every store. */
async function act(recorder: Recorder, step: Step): Promise<string> {
  const { store, uploads, tags } = recorder
  if (step.do === 'restart') {
    recorder.store = recorder.restart()
    return 'restarted'
  }
  const key = KEYS[step.key] ?? ''
  if (step.do === 'begin') {
    const ownership = { owner: `of ${key}` }
    uploads.push(
      await store.uploads.begin(key, { size: SIZE, pieceSize: PIECE, contentType: 'video/mp4', ownership }),
    )
    return 'begun'
  }
  const upload = uploads[step.upload] ?? '0'.repeat(32)
  try {
    if (step.do === 'abandon') {
      await store.uploads.abandon(key, upload)
      return 'given up'
    }
    const sent = tags.get(step.upload) ?? []
    if (step.do === 'complete') {
      const replaces = step.replaces ? ((await factsOf(store, key))?.etag ?? null) : null
      const list = [...sent].slice(step.drop).map(tag => tag ?? 'none')
      const done = await store.uploads.complete(key, upload, { tags: list, size: step.size, replaces })
      return done === null ? 'too late' : `complete, ${done.size}`
    }
    const { number, seed, how } = step
    const piece = sampleBytes(SIZE, seed).slice((number - 1) * PIECE, number * PIECE)
    const digest = how === 'wrong' ? '0'.repeat(64) : how === 'digest' ? await sha256(piece) : undefined
    const options = {
      number,
      size: piece.length,
      ...(digest !== undefined && { sha256: digest }),
    }
    const tag = await store.uploads.putPiece(key, upload, bodyOf(piece, how), options)
    sent[number - 1] = tag
    tags.set(step.upload, sent)
    return 'stored'
  } catch (error) {
    // Of an error that isn't its own, a store chooses the words.
    const { name } = error as Error
    return name === 'Error' || name === 'TypeError' ? 'failed' : name
  }
}

function bodyOf(piece: Uint8Array<ArrayBuffer>, how: string): ReadableStream<Uint8Array> {
  if (how === 'short') return new Blob([piece.slice(1)]).stream()
  if (how === 'long') return new Blob([piece, 'x']).stream()
  if (how !== 'broken') return new Blob([piece]).stream()
  return new ReadableStream({
    pull(controller) {
      controller.error(new Error('the network is gone'))
    },
  })
}

async function seen(store: RecordingStore): Promise<unknown[]> {
  return Promise.all(
    KEYS.map(async key => {
      const part = await store.open(key)
      if (part === null || !('body' in part)) return part
      const { size, ownership, contentType } = part
      const bytes = new Uint8Array(await new Response(part.body).arrayBuffer())
      return { size, ownership, contentType, bytes: [...bytes] }
    }),
  )
}

test('a folder store and a memory store behave alike, whatever recorders do', async () => {
  const outcomes = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async steps => {
      const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
      const memory = createMemoryStore()
      const [simple, real]: [Recorder, Recorder] = [
        { store: memory, restart: () => memory, uploads: [], tags: new Map() },
        {
          store: createFolderStore(folder),
          restart: () => createFolderStore(folder),
          uploads: [],
          tags: new Map(),
        },
      ]
      for (const step of [...FIRST, ...steps, ...LAST]) {
        const outcome = await act(simple, step)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        expect(await act(real, step)).toBe(outcome)
        const now = await seen(real.store)
        expect(now).toEqual(await seen(simple.store))
        // Whatever is there is whole, and is of the owner whom it was begun for.
        for (const [index, part] of now.entries()) {
          if (part !== null)
            expect(part).toMatchObject({ size: SIZE, ownership: { owner: `of ${KEYS[index]}` } })
        }
      }
      rmSync(folder, { recursive: true })
    }),
    sample(40, 5000),
  )
  // Of everything that can come of it, each came of it.
  for (const outcome of [
    'stored',
    `complete, ${SIZE}`,
    'too late',
    'UploadUnknown',
    'DigestMismatch',
    'failed',
  ]) {
    expect(outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(0)
  }
})
