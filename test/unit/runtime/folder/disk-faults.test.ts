import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type RecordingStore, StorageFault, UploadUnknown } from '../../../../src/index.ts'
import { createFolderStore } from '../../../../src/runtime/local/index.ts'

// What the folder store makes of a disk that fails.

const disk = vi.hoisted(() => ({
  /** Returns the system's code if a call fails. */
  failure: (_call: string, _path: string): string | undefined => undefined,
}))

const called = vi.hoisted(() => (call: string, path: unknown): void => {
  const code = disk.failure(call, String(path))
  if (code !== undefined) throw Object.assign(new Error(`${code}: ${call} of ${path}`), { code })
})

vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>()
  return {
    ...fs,
    openSync: (...args: Parameters<typeof fs.openSync>) => {
      called('openSync', args[0])
      return fs.openSync(...args)
    },
    fstatSync: (descriptor: number) => {
      called('fstat', descriptor)
      return fs.fstatSync(descriptor)
    },
  }
})

vi.mock('node:fs/promises', async original => {
  const fs = await original<typeof import('node:fs/promises')>()
  return {
    ...fs,
    rm: async (...args: Parameters<typeof fs.rm>) => {
      called('rm', args[0])
      return fs.rm(...args)
    },
    lstat: async (...args: Parameters<typeof fs.lstat>) => {
      called('lstat', args[0])
      return fs.lstat(...args)
    },
    rename: async (...args: Parameters<typeof fs.rename>) => {
      called('rename', args[0])
      return fs.rename(...args)
    },
    open: async (...args: Parameters<typeof fs.open>) => {
      called('open', args[0])
      const file = await fs.open(...args)
      for (const name of ['write', 'sync', 'close'] as const) {
        const method = file[name].bind(file) as (...args: unknown[]) => Promise<unknown>
        Object.assign(file, {
          [name]: async (...given: unknown[]) => {
            const result = await method(...given)
            called(name, args[0])
            return result
          },
        })
      }
      return file
    },
  }
})

afterEach(() => {
  disk.failure = () => undefined
  vi.restoreAllMocks()
})

const KEY = 'recordings/rec-1'
const ownership = { owner: 'patient-1' }
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'mediaward-'))
const body = (size: number) => new Blob([new Uint8Array(size).fill(7)]).stream()

const put = (store: RecordingStore, replaces: string | null = null) =>
  store.put(KEY, body(5), { size: 5, contentType: 'video/mp4', ownership, replaces })
const begin = (store: RecordingStore) =>
  store.uploads.begin(KEY, { size: 5, pieceSize: 5, contentType: 'video/mp4', ownership })
const send = (store: RecordingStore, upload: string) =>
  store.uploads.putPiece(KEY, upload, body(5), { number: 1, size: 5 })

const complete = (store: RecordingStore, upload: string, tag: string, replaces: string | null = null) =>
  store.uploads.complete(KEY, upload, { tags: [tag], size: 5, replaces })

/** Creates a store with an upload that has all its pieces. */
async function ready() {
  const folder = newFolder()
  const store = createFolderStore(folder)
  const upload = await begin(store)
  return { folder, store, upload, tag: await send(store, upload) }
}

describe('a disk that becomes read-only', () => {
  test.each(['write', 'sync', 'close', 'rename'])(
    'a put that fails at %s reports the fault of the disk, even if its file cannot be removed',
    async failing => {
      const store = createFolderStore(newFolder())
      disk.failure = call => ([failing, 'rm'].includes(call) ? 'EROFS' : undefined)
      const error = await put(store).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(StorageFault)
      expect(String(error)).toMatch(/\(EROFS\): mount it so that it can be written/)
    },
  )

  test.each(['write', 'open', 'sync', 'close', 'rm'])(
    'a piece that fails at %s reports the fault of the disk, even if its file cannot be removed',
    async failing => {
      const store = createFolderStore(newFolder())
      const upload = await begin(store)
      disk.failure = call => ([failing, 'rm'].includes(call) ? 'EROFS' : undefined)
      await expect(send(store, upload)).rejects.toThrow(StorageFault)
    },
  )

  test('a put is stored even if its remains cannot be removed, and the next start removes them', async () => {
    const folder = newFolder()
    const store = createFolderStore(folder)
    disk.failure = call => (call === 'rm' ? 'EIO' : undefined)
    const short = store.put(KEY, body(3), { size: 5, contentType: 'video/mp4', ownership, replaces: null })
    await expect(short).rejects.toThrow('3 bytes came, 5 were announced')
    expect(await put(store)).toMatchObject({ size: 5 })
    expect(readdirSync(join(folder, '.mediaward/uploads'))).toHaveLength(1)
    expect(await createFolderStore(folder).find(KEY)).toMatchObject({ size: 5 })
    expect(readdirSync(join(folder, '.mediaward/uploads'))).toEqual([])
  })

  test('an abandoned upload is kept as long as its bytes cannot be removed', async () => {
    const folder = newFolder()
    const store = createFolderStore(folder)
    const upload = await begin(store)
    disk.failure = (call, path) => (call === 'rm' && path.includes(`@${upload}`) ? 'EIO' : undefined)
    await expect(store.uploads.abandon(KEY, upload)).rejects.toThrow(StorageFault)
    expect(readdirSync(join(folder, '.mediaward/in-pieces'))).toEqual([upload])
  })
})

describe('a disk that does not sync', () => {
  /** Lets the sync of the folder of the recordings fail once a file with this ending is renamed. */
  function failAfterRenaming(ending: string): void {
    let isRenamed = false
    disk.failure = (call, path) => {
      isRenamed ||= call === 'rename' && path.endsWith(ending)
      return isRenamed && call === 'sync' && path.endsWith('/recordings') ? 'EIO' : undefined
    }
  }

  test('a completion that is repeated resolves only when its facts are durable', async () => {
    const { folder, store, upload, tag } = await ready()
    failAfterRenaming('.json')
    await expect(complete(store, upload, tag)).rejects.toThrow(StorageFault)
    expect(await store.find(KEY)).toMatchObject({ size: 5 })
    for (const again of [store, createFolderStore(folder)]) {
      await expect(complete(again, upload, tag)).rejects.toThrow(StorageFault)
    }
    disk.failure = () => undefined
    expect(await complete(store, upload, tag)).toMatchObject({ size: 5 })
    await expect(complete(store, upload, tag)).rejects.toThrow(UploadUnknown)
  })

  test('a completion that is repeated writes no facts before the name of its bytes is durable', async () => {
    const { folder, store, upload, tag } = await ready()
    failAfterRenaming('/bytes')
    for (const again of [store, store, createFolderStore(folder)]) {
      await expect(complete(again, upload, tag)).rejects.toThrow(StorageFault)
      expect(readdirSync(join(folder, 'recordings'))).toEqual([`rec-1@${upload}`])
    }
    disk.failure = () => undefined
    expect(await complete(store, upload, tag)).toMatchObject({ size: 5 })
  })

  test('abandoning an upload keeps its bytes if they came into force before its completion failed', async () => {
    const { folder, store, upload, tag } = await ready()
    const first = await put(store)
    // Cached facts don't age.
    vi.spyOn(performance, 'now').mockReturnValue(1e6)
    failAfterRenaming('.json')
    await expect(complete(store, upload, tag, first?.etag)).rejects.toThrow(StorageFault)
    disk.failure = () => undefined
    await store.uploads.abandon(KEY, upload)
    expect(await createFolderStore(folder).open(KEY)).toMatchObject({ size: 5 })
  })

  test('a put into a folder that is there already is stored only when the folder is durable', async () => {
    const folder = newFolder()
    const root = realpathSync(folder)
    mkdirSync(join(folder, 'recordings'))
    const store = createFolderStore(folder)
    disk.failure = (call, path) => (call === 'sync' && path === root ? 'EIO' : undefined)
    await expect(put(store)).rejects.toThrow(StorageFault)
    disk.failure = () => undefined
    const stored = await put(store)
    disk.failure = (call, path) => (call === 'sync' && path === root ? 'EIO' : undefined)
    expect(await put(store, stored?.etag)).toEqual(stored)
  })

  test('a piece that is sent again is taken only when it is durable', async () => {
    const { store, upload, tag } = await ready()
    for (const name of ['/1', `/${upload}`]) {
      disk.failure = (call, path) => (call === 'sync' && path.endsWith(name) ? 'EIO' : undefined)
      await expect(send(store, upload)).rejects.toThrow(StorageFault)
    }
    disk.failure = () => undefined
    expect(await send(store, upload)).toBe(tag)
  })
})

test('an upload does not count as unknown if the disk does not say whether its bytes are there', async () => {
  const { folder, store, upload, tag } = await ready()
  rmSync(join(folder, '.mediaward/in-pieces', upload, 'bytes'))
  disk.failure = call => (call === 'lstat' ? 'EACCES' : undefined)
  await expect(complete(store, upload, tag)).rejects.toThrow(StorageFault)
})

test('an upload begins even if an old one cannot be removed, which the operator gets to know', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  let later = 0
  const folder = newFolder()
  const store = createFolderStore(folder, () => Date.now() + later)
  utimesSync(join(folder, '.mediaward/in-pieces', await begin(store)), 0, 0)
  later = 60 * 60 * 1000
  disk.failure = call => (call === 'rm' ? 'EACCES' : undefined)
  await begin(store)
  await vi.waitFor(() =>
    expect(said.mock.calls).toEqual([
      [expect.stringMatching(/not touched for 7 days stays on the disk: .* \(EACCES\)/)],
    ]),
  )
})

test('a file whose state cannot be read does not stay open', async () => {
  const store = createFolderStore(newFolder())
  await put(store)
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  disk.failure = call => (call === 'fstat' ? 'EIO' : undefined)
  for (let i = 0; i < 10; i++) await store.find(KEY).catch(() => {})
  expect(open()).toBe(before)
})

test.each(['EMFILE', 'ENFILE', 'EIO'])(
  'while no file can be opened (%s), only cached facts have an owner, and what is absent is absent',
  async code => {
    const folder = newFolder()
    await put(createFolderStore(folder))
    const [fresh, store] = [createFolderStore(folder), createFolderStore(folder)]
    await store.find(KEY)
    disk.failure = call => (call === 'openSync' ? code : undefined)
    expect(await store.find(KEY)).toMatchObject({ ownership })
    const unread = await fresh.find(KEY)
    expect(unread?.ownership).toEqual({})
    expect(unread).toHaveProperty('fault', expect.any(StorageFault))
    expect(await store.find('recordings/absent')).toBeNull()
    expect(await store.open('recordings/absent')).toBeNull()
    expect(await store.find('absent/rec-1')).toBeNull()
    await expect(put(fresh)).rejects.toThrow(StorageFault)
  },
)
