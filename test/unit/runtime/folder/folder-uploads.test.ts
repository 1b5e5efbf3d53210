import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { type RecordingStore, UploadUnknown } from '../../../../src/index.ts'
import { createFolderStore } from '../../../../src/runtime/local/index.ts'

// Uploads in pieces to a folder: what the contract doesn't cover, such as restarts, crashes and changes by other
// programs.

const KEY = 'recordings/rec-1'
const PIECE = 1000
const SIZE = 2500
const DAY = 24 * 60 * 60 * 1000
const options = {
  size: SIZE,
  pieceSize: PIECE,
  contentType: 'video/mp4',
  ownership: { owner: 'patient-1', issuer: 'https://login.clinic.test/' },
}
const whole = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31 + 7) % 251)
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'mediaward-'))

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

function send(store: RecordingStore, upload: string, number: number, of = whole): Promise<string> {
  const piece = of.slice((number - 1) * PIECE, number * PIECE)
  return store.uploads.putPiece(KEY, upload, new Blob([piece]).stream(), { number, size: piece.length })
}

async function sendAll(store: RecordingStore, upload: string): Promise<string[]> {
  return [await send(store, upload, 1), await send(store, upload, 2), await send(store, upload, 3)]
}

const complete = (store: RecordingStore, upload: string, tags: string[], replaces: string | null = null) =>
  store.uploads.complete(KEY, upload, { tags, size: SIZE, replaces })

async function bytesIn(store: RecordingStore): Promise<Uint8Array> {
  const part = await store.open(KEY)
  if (part === null || !('body' in part)) throw new Error('there is no body')
  return new Uint8Array(await new Response(part.body).arrayBuffer())
}

/** Creates a store with an upload that has all its pieces, and returns the path of its folder. */
async function ready() {
  const folder = newFolder()
  const store = createFolderStore(folder)
  const upload = await store.uploads.begin(KEY, options)
  const tags = await sendAll(store, upload)
  return { folder, store, upload, tags, path: join(folder, '.mediaward/in-pieces', upload) }
}

describe('restarts', () => {
  test('an upload survives a restart', async () => {
    const { folder, upload, tags } = await ready()
    const [first = '', , third = ''] = tags
    const second = await send(createFolderStore(folder), upload, 2, new Uint8Array(SIZE))
    const store = createFolderStore(folder)
    await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
    await complete(store, upload, [first, second, third])
    expect(await store.find(KEY)).toMatchObject({ size: SIZE, ownership: options.ownership })
    expect(await bytesIn(store)).toEqual(whole.slice().fill(0, PIECE, 2 * PIECE))
  })

  test('the entity tag of an object follows from its bytes and survives a restart', async () => {
    const one = await ready()
    const two = await ready()
    const stored = await complete(one.store, one.upload, one.tags)
    await complete(two.store, two.upload, two.tags)
    expect(stored?.etag).toMatch(/^"[0-9a-f]{32}"$/)
    for (const folder of [one.folder, two.folder]) {
      expect(await createFolderStore(folder).find(KEY)).toMatchObject({ etag: stored?.etag })
    }
    const other = await two.store.uploads.begin(KEY, options)
    const [, second = '', third = ''] = await sendAll(two.store, other)
    const first = await send(two.store, other, 1, new Uint8Array(SIZE))
    const changed = await complete(two.store, other, [first, second, third], stored?.etag)
    expect(changed?.etag).not.toBe(stored?.etag)
  })

  test('a restart removes uploads that were not touched for 7 days, and no others', async () => {
    const { folder, upload, tags, path } = await ready()
    const old = join(folder, '.mediaward/in-pieces', '0'.repeat(32))
    cpSync(path, old, { recursive: true })
    utimesSync(old, 0, 0)
    createFolderStore(folder, () => Date.now() + 6.9 * DAY)
    await vi.waitFor(() => expect(existsSync(old)).toBe(false))
    expect(existsSync(path)).toBe(true)
    const store = createFolderStore(folder, () => Date.now() + 7.1 * DAY)
    await vi.waitFor(() => expect(existsSync(path)).toBe(false))
    await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
  })

  test('old uploads are removed without a restart when another one begins, at most once an hour', async () => {
    let later = 0
    const folder = newFolder()
    const store = createFolderStore(folder, () => Date.now() + later)
    const begin = () => store.uploads.begin(KEY, options)
    const pathOf = (upload: string) => join(folder, '.mediaward/in-pieces', upload)
    const old = [await begin(), await begin()] as const
    utimesSync(pathOf(old[0]), 0, 0)
    later = DAY / 24
    await begin()
    await vi.waitFor(() => expect(existsSync(pathOf(old[0]))).toBe(false))
    await expect(send(store, old[0], 1)).rejects.toThrow(UploadUnknown)
    utimesSync(pathOf(old[1]), 0, 0)
    await begin()
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(existsSync(pathOf(old[1]))).toBe(true)
    later = DAY / 12
    await begin()
    await vi.waitFor(() => expect(existsSync(pathOf(old[1]))).toBe(false))
  })
})

describe('interrupted completions', () => {
  test('a completion that ends before it has written the facts can be repeated or abandoned', async () => {
    for (const giveUp of [false, true]) {
      const { folder, upload, tags, path } = await ready()
      const named = join(folder, `recordings/rec-1@${upload}`)
      execFileSync('mkdir', ['-p', join(folder, 'recordings')])
      renameSync(join(path, 'bytes'), named)
      const store = createFolderStore(folder)
      expect(await store.find(KEY)).toBeNull()
      if (giveUp) await store.uploads.abandon(KEY, upload)
      else {
        await complete(store, upload, tags)
        expect(await bytesIn(store)).toEqual(whole)
      }
      expect(existsSync(named)).toBe(!giveUp)
      expect(filesIn(folder)).toHaveLength(giveUp ? 0 : 2)
    }
  })

  test('an object stays stored if its completion ends after it has written the facts', async () => {
    const { folder, store, upload, tags, path } = await ready()
    const copy = join(newFolder(), 'copy')
    cpSync(path, copy, { recursive: true })
    const stored = await complete(store, upload, tags)
    cpSync(copy, path, { recursive: true })
    rmSync(join(path, 'bytes'))
    const again = createFolderStore(folder)
    expect(await complete(again, upload, tags, stored?.etag)).toMatchObject({ etag: stored?.etag })
    cpSync(copy, path, { recursive: true })
    rmSync(join(path, 'bytes'))
    await again.uploads.abandon(KEY, upload)
    expect(await bytesIn(again)).toEqual(whole)
    expect(filesIn(folder)).toHaveLength(2)
  })
})

describe('damaged uploads', () => {
  test.each([
    ['cut off', (text: string) => text.slice(0, 40)],
    ['empty', () => ''],
    ['null', () => 'null'],
    ['of an owner that is not a string', (text: string) => text.replace('"patient-1"', '["patient-1"]')],
    ['of a size that is not a number', (text: string) => text.replace(/"size":\d+/, '"size":1e400')],
    ['of another key', (text: string) => text.replace('rec-1', 'rec-2')],
  ])('an upload is unknown if its facts are %s', async (_, damage) => {
    const { store, upload, tags, path } = await ready()
    const file = join(path, 'upload.json')
    writeFileSync(file, damage(readFileSync(file, 'utf8')))
    await expect(send(store, upload, 1)).rejects.toThrow(UploadUnknown)
    await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
    await store.uploads.abandon(KEY, upload)
  })

  test('a piece whose digest is cut off must be sent again', async () => {
    const { store, upload, tags, path } = await ready()
    writeFileSync(join(path, '2'), (tags[1] ?? '').slice(0, 30))
    await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
    await complete(store, upload, [tags[0] ?? '', await send(store, upload, 2), tags[2] ?? ''])
    expect(await bytesIn(store)).toEqual(whole)
  })

  test('an upload is unknown if its bytes are missing', async () => {
    const { store, upload, tags, path } = await ready()
    rmSync(join(path, 'bytes'))
    await expect(complete(store, upload, tags)).rejects.toThrow(UploadUnknown)
    expect(await store.find(KEY)).toBeNull()
  })
})

test.each([
  '',
  '.',
  '..',
  '../uploads',
  '../../recordings',
  '/etc',
  'a/b',
  'A'.repeat(32),
  `${'0'.repeat(32)}/..`,
  `${'0'.repeat(32)}\n`,
])('the id %j names no upload, and changes no file', async name => {
  const { folder, store, upload, tags } = await ready()
  const before = filesIn(folder)
  await expect(send(store, name, 1)).rejects.toThrow(UploadUnknown)
  await expect(complete(store, name, tags)).rejects.toThrow(UploadUnknown)
  await store.uploads.abandon(KEY, name)
  expect(filesIn(folder)).toEqual(before)
  expect(await complete(store, upload, tags)).toMatchObject({ size: SIZE })
})

test('a path to an upload is not the id of the upload', async () => {
  const { folder, store, upload, tags, path } = await ready()
  cpSync(path, join(folder, 'elsewhere'), { recursive: true })
  for (const name of ['../../elsewhere', `./${upload}`, `../in-pieces/${upload}`]) {
    await expect(send(store, name, 1)).rejects.toThrow(UploadUnknown)
    await expect(complete(store, name, tags)).rejects.toThrow(UploadUnknown)
    await store.uploads.abandon(KEY, name)
  }
  expect(readdirSync(join(folder, 'elsewhere'))).toHaveLength(5)
  expect(await complete(store, upload, tags)).toMatchObject({ size: SIZE })
})

test.each([0, 4, -1, 1.5, 1e9, Number.NaN])(
  'piece %d of an upload of three pieces is rejected',
  async number => {
    const { store, upload, path } = await ready()
    const piece = store.uploads.putPiece(KEY, upload, new Blob(['abc']).stream(), { number, size: 3 })
    await expect(piece).rejects.toThrow(UploadUnknown)
    expect(readdirSync(path).sort()).toEqual(['1', '2', '3', 'bytes', 'upload.json'])
  },
)

test('a piece is rejected if its size is not that of its place', async () => {
  const { store, upload } = await ready()
  for (const [number, size] of [
    [1, 999],
    [3, 1000],
    [3, 499],
  ] as const) {
    const piece = store.uploads.putPiece(KEY, upload, new Blob([new Uint8Array(size)]).stream(), {
      number,
      size,
    })
    await expect(piece).rejects.toThrow(UploadUnknown)
  }
})

test('a piece from another client is taken while a slow client still sends it', async () => {
  const { store, upload, tags } = await ready()
  let end = (): void => {}
  const still = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(10))
      end = () => controller.error(new Error('the network is gone'))
    },
  })
  const slow = store.uploads.putPiece(KEY, upload, still, { number: 1, size: PIECE })
  const [, second = '', third = ''] = tags
  const first = await send(store, upload, 1, new Uint8Array(SIZE))
  await complete(store, upload, [first, second, third])
  end()
  await expect(slow).rejects.toThrow('the network is gone')
  expect(await bytesIn(store)).toEqual(whole.slice().fill(0, 0, PIECE))
})

test('a piece that ends after the completion changes nothing', async () => {
  const { folder, store, upload, tags } = await ready()
  let goOn = (): void => {}
  const late = new ReadableStream<Uint8Array>({
    start(controller) {
      goOn = () => {
        controller.enqueue(new Uint8Array(PIECE))
        controller.close()
      }
    },
  })
  const slow = store.uploads.putPiece(KEY, upload, late, { number: 1, size: PIECE })
  await complete(store, upload, tags)
  goOn()
  await expect(slow).rejects.toThrow(UploadUnknown)
  expect(await bytesIn(store)).toEqual(whole)
  expect(filesIn(folder)).toHaveLength(2)
})

test('abandoned uploads and failed pieces leave no file', async () => {
  const { folder, store, upload } = await ready()
  const short = store.uploads.putPiece(KEY, upload, new Blob(['abc']).stream(), { number: 1, size: PIECE })
  await expect(short).rejects.toThrow()
  expect(readdirSync(join(folder, '.mediaward/uploads'))).toEqual([])
  await store.uploads.abandon(KEY, upload)
  expect(filesIn(folder)).toEqual([])
})

test('an upload has a whole piece or none, whenever its process is killed', {
  timeout: 60_000,
}, async () => {
  const folder = newFolder()
  const size = 300_000
  const contents = [1, 2].map(n => new Uint8Array(size).fill(n))
  const tags = contents.map(bytes => createHash('sha256').update(bytes).digest('hex'))
  const upload = await createFolderStore(folder).uploads.begin(KEY, { ...options, size, pieceSize: size })
  const script = `
    import { createFolderStore } from './src/runtime/folder/folder-store.ts'
    const store = createFolderStore(${JSON.stringify(folder)})
    for (let n = 0; ; n++) {
      const bytes = new Uint8Array(${size}).fill(1 + n % 2)
      await store.uploads.putPiece('${KEY}', '${upload}', new Blob([bytes]).stream(), { number: 1, size: ${size} })
      console.log(n)
    }`
  for (let run = 0; run < 8; run++) {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script])
    let sent = 0
    await new Promise<void>(resolve => {
      child.stdout.on('data', () => {
        sent += 1
        if (sent === 3 + run) resolve()
      })
    })
    await new Promise(resolve => setTimeout(resolve, run))
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
    const path = join(folder, '.mediaward/in-pieces', upload)
    const digest = existsSync(join(path, '1')) ? readFileSync(join(path, '1'), 'utf8') : ''
    const there = createHash('sha256')
      .update(readFileSync(join(path, 'bytes')))
      .digest('hex')
    if (digest.length === 64) expect([there, tags.includes(digest)]).toEqual([digest, true])
  }
  const store = createFolderStore(folder)
  const piece = new Blob([new Uint8Array(size).fill(3)]).stream()
  const tag = await store.uploads.putPiece(KEY, upload, piece, { number: 1, size })
  await store.uploads.complete(KEY, upload, { tags: [tag], size, replaces: null })
  expect(new Set(await bytesIn(store))).toEqual(new Set([3]))
})

test.skipIf(process.platform === 'win32')(
  'a full disk is reported with a remedy, and the missing piece is taken again',
  async () => {
    const folder = newFolder()
    const big = { ...options, size: 1_500_000, pieceSize: 500_000 }
    const upload = await createFolderStore(folder).uploads.begin(KEY, big)
    // The piece was there before. Once partly overwritten, it must not count.
    const old = new Blob([new Uint8Array(500_000).fill(1)]).stream()
    await createFolderStore(folder).uploads.putPiece(KEY, upload, old, { number: 3, size: 500_000 })
    const script = `
    import { createFolderStore } from './src/runtime/folder/folder-store.ts'
    const store = createFolderStore(${JSON.stringify(folder)})
    const put = number => store.uploads.putPiece('${KEY}', '${upload}', new Blob([new Uint8Array(500_000)]).stream(), { number, size: 500_000 })
    const error = await put(3).then(() => 'it was stored', error => error.name + ' ' + error.message)
    console.log(JSON.stringify({ error, first: await put(1) }))`
    const command = 'ulimit -f 1024 && exec "$0" --input-type=module-typescript -e "$1"'
    const stdout = execFileSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' })
    const { error, first } = JSON.parse(stdout) as { error: string; first: string }
    expect(error).toMatch(/^StorageFault .*\(EFBIG\): raise its limit/)
    const store = createFolderStore(folder)
    expect(existsSync(join(folder, '.mediaward/in-pieces', upload, '3'))).toBe(false)
    const send = (number: number) =>
      store.uploads.putPiece(KEY, upload, new Blob([new Uint8Array(500_000)]).stream(), {
        number,
        size: 500_000,
      })
    const tags = [first, await send(2), await send(3)]
    await store.uploads.complete(KEY, upload, { tags, size: 1_500_000, replaces: null })
    expect(await store.find(KEY)).toMatchObject({ size: 1_500_000 })
  },
)
