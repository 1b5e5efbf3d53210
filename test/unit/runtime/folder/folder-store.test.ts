import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { BytesUnavailable, NameTaken, type OpenedPart, type RecordingStore } from '../../../../src/index.ts'
import { Claims, stampsAt } from '../../../../src/recordings/claims.ts'
import { createFolderStore } from '../../../../src/runtime/local/index.ts'
import { factsOf } from '../../../contract/recordings.ts'

// What the contract doesn't cover: names, links, and changes by other programs.

const ownership = { owner: 'patient-1', issuer: 'https://login.clinic.test/' }
const THIRD_PARTY = new URL('../../../../../shared/vectors/third-party/paths/', import.meta.url)

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'mediaward-'))
}

function put(
  store: RecordingStore,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
  replaces: string | null = null,
) {
  const body = new Blob([bytes]).stream()
  return store.put(key, body, { size: bytes.length, contentType: 'video/mp4', ownership, replaces })
}

function bytesOf(part: OpenedPart | null): ReadableStream<Uint8Array> {
  if (part === null) throw new Error('there is no body')
  return part.body
}

/** Returns the reason why the bytes of an object can't be opened. */
async function withheldBy(opening: Promise<unknown>): Promise<string> {
  const error = await opening.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(BytesUnavailable)
  return String((error as BytesUnavailable).cause)
}

/** Returns the paths of all files below a folder. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** Creates a store with one object, and returns the paths of its two files. */
async function stored(size = 1000) {
  const folder = newFolder()
  const store = createFolderStore(folder)
  const bytes = new Uint8Array(size).map((_, i) => (i * 31 + 7) % 251)
  await put(store, 'recordings/rec-1', bytes)
  const [facts = '', content = ''] = filesIn(folder)
    .sort((a, b) => b.length - a.length)
    .map(name => join(folder, name))
    .reverse()
  return { folder, store, bytes, facts, content }
}

describe('hostile names', () => {
  const hostile = [
    '',
    '/',
    'a//b',
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a/..',
    './a',
    'a/.',
    'a/',
    'a\\b',
    '..\\x',
    'a\0b',
    'a;b',
    'a%b',
    'C:\\x',
    'a%facts.json',
    'ü',
    'a b',
    '%2e%2e/x',
    'x'.repeat(300),
    'a\n',
    '\u2024\u2024/x',
    '~\u0000',
  ]
  test('keys that look like reserved names, drives or streams are stored as plain files', async () => {
    const folder = newFolder()
    const store = createFolderStore(join(folder, 'root'))
    for (const key of ['C:/x', 'a:stream', 'a@facts.json', 'a']) {
      await put(store, key, new TextEncoder().encode(key))
      expect(await store.find(key)).toMatchObject({ size: key.length })
    }
    const names = filesIn(folder).map(name => basename(name))
    expect(names.filter(name => name.includes(':'))).toEqual([])
    expect(names.filter(name => name.endsWith('@facts.json')).sort()).toEqual(
      ['a%facts.json', 'a', 'a;stream', 'x'].map(name => `${name}@facts.json`).sort(),
    )
  })

  test.each(hostile)('the key %j is refused, and the error does not repeat it', async key => {
    const folder = newFolder()
    // Far below the folder that is looked at, so that a way out of the store ends in it.
    const store = createFolderStore(join(folder, 'a', 'b', 'root'))
    for (const context of [store.find(key), store.open(key), put(store, key, new Uint8Array(3))]) {
      const error = await context.then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(Error)
      if (key.length > 4) expect(String(error)).not.toContain(key)
    }
    expect(filesIn(folder)).toEqual([])
  })

  test.runIf(existsSync(THIRD_PARTY))(
    'path traversals of third parties find nothing and change nothing',
    async () => {
      const folder = newFolder()
      const store = createFolderStore(join(folder, 'root'))
      const lists = readdirSync(THIRD_PARTY).filter(
        name => name.endsWith('.txt') && !name.startsWith('COPYRIGHT'),
      )
      const keys = lists.flatMap(name => readFileSync(new URL(name, THIRD_PARTY), 'utf8').split('\n'))
      expect(keys.length).toBeGreaterThan(500)
      for (const key of keys) expect(await store.open(key).catch(() => null)).toBeNull()
      expect(filesIn(folder)).toEqual([])
    },
  )
})

describe('links', () => {
  const link = /symbolic link lies in the recordings folder/

  test('a link in the place of facts or bytes is not followed', async () => {
    const { store, facts, content } = await stored()
    for (const file of [facts, content]) {
      renameSync(file, `${file}.away`)
      symlinkSync(`${file}.away`, file)
      expect(await withheldBy(store.open('recordings/rec-1'))).toMatch(link)
      rmSync(file)
      renameSync(`${file}.away`, file)
    }
    expect(await store.open('recordings/rec-1')).toMatchObject({ size: 1000 })
  })

  test('a link in the place of a folder is followed neither for reading nor for storing', async () => {
    const { folder, store } = await stored()
    const elsewhere = newFolder()
    mkdirSync(join(elsewhere, 'theirs'))
    renameSync(join(folder, 'recordings'), join(elsewhere, 'recordings'))
    symlinkSync(join(elsewhere, 'recordings'), join(folder, 'recordings'))
    symlinkSync(join(elsewhere, 'theirs'), join(folder, 'linked'))
    const fresh = createFolderStore(folder)
    expect(await withheldBy(fresh.open('recordings/rec-1'))).toMatch(link)
    expect(await fresh.find('recordings/rec-1')).toMatchObject({ ownership: {} })
    await expect(put(store, 'linked/rec-2', new Uint8Array(5))).rejects.toThrow(link)
    await expect(put(store, 'linked/below/rec-2', new Uint8Array(5))).rejects.toThrow(link)
    expect(filesIn(join(elsewhere, 'theirs'))).toEqual([])
    expect(readdirSync(join(elsewhere, 'theirs'))).toEqual([])
  })

  test('a link in the place of the root is followed', async () => {
    const { folder } = await stored()
    const way = join(newFolder(), 'way')
    symlinkSync(folder, way)
    expect(await createFolderStore(way).open('recordings/rec-1')).toMatchObject({ size: 1000 })
  })
})

describe('damaged recordings', () => {
  test.each([
    ['cut off', (text: string) => text.slice(0, 40)],
    ['empty', () => ''],
    ['not JSON', () => 'patient-1'],
    ['null', () => 'null'],
    [
      'a version that leads elsewhere',
      (text: string) => text.replace(/"version": "\w+"/, '"version": "/../../x"'),
    ],
    ['a size that is not a number', (text: string) => text.replace(/"size": \d+/, '"size": 1e400')],
    ['an owner that is not a string', (text: string) => text.replace('"patient-1"', '["patient-1"]')],
    ['an etag with a line end', (text: string) => text.replace(/"etag": "\\"/, '"etag": "\\"\\r\\n')],
    ['endless', (text: string) => text + ' '.repeat(20_000)],
  ])(
    'a recording with damaged facts (%s) has no owner, is a fault for its reader and is not overwritten',
    async (_, damage) => {
      const { folder, facts } = await stored()
      writeFileSync(facts, damage(readFileSync(facts, 'utf8')))
      const store = createFolderStore(folder)
      expect(await withheldBy(store.open('recordings/rec-1'))).toMatch(/damaged/)
      // An error would reveal to any caller that it exists.
      const fault = expect.objectContaining({ message: expect.stringMatching(/damaged/) })
      const found = await store.find('recordings/rec-1')
      expect(found?.ownership).toEqual({})
      expect(found).toHaveProperty('fault', fault)
      expect(await stampsAt(store, ['recordings/rec-1', 'recordings/'])).toEqual([{}, {}])
      await expect(put(store, 'recordings/rec-1', new Uint8Array(3))).rejects.toThrow(/damaged/)
    },
  )

  test('a recording has no owner if its owner is an empty string', async () => {
    const { store, facts } = await stored()
    writeFileSync(facts, readFileSync(facts, 'utf8').replace('"patient-1"', '""'))
    expect((await store.find('recordings/rec-1'))?.ownership).toEqual({ issuer: ownership.issuer })
  })

  test('a recording with the facts of another key, as on a disk that ignores case, is absent and not overwritten', async () => {
    const { folder, store, facts } = await stored()
    await new Claims(store).claim('rec-1', ownership, [])
    const other = facts.replace('rec-1', 'REC-1')
    const claim = join(folder, '.mediaward/bindings/rec-1@facts.json')
    const otherClaim = claim.replace('rec-1', 'REC-1')
    copyFileSync(facts, other)
    copyFileSync(claim, otherClaim)
    expect(await store.find('recordings/REC-1')).toBeNull()
    expect(await store.open('recordings/REC-1')).toBeNull()
    expect(await stampsAt(store, ['recordings/REC-1'])).toEqual([])
    expect(await new Claims(store).find('REC-1')).toBeNull()
    const upload = { size: 3, contentType: 'video/mp4', ownership, pieceSize: 3 }
    await expect(put(store, 'recordings/REC-1', new Uint8Array(3))).rejects.toThrow(NameTaken)
    await expect(store.uploads.begin('recordings/REC-1', upload)).rejects.toThrow(NameTaken)
    await expect(new Claims(store).claim('REC-1', ownership, [])).rejects.toThrow(NameTaken)
    expect(readFileSync(other)).toEqual(readFileSync(facts))
    expect(readFileSync(otherClaim)).toEqual(readFileSync(claim))
    expect(filesIn(folder).filter(name => name.includes('uploads/'))).toEqual([])
  })

  test('a recording whose bytes are missing or cut short is a fault', async () => {
    const { folder, content } = await stored()
    truncateSync(content, 999)
    expect(await withheldBy(createFolderStore(folder).open('recordings/rec-1'))).toMatch(/not as long/)
    rmSync(content)
    expect(await withheldBy(createFolderStore(folder).open('recordings/rec-1'))).toMatch(/missing/)
  })

  test.skipIf(process.platform === 'win32')(
    'a recording with a pipe in the place of its facts is a fault',
    async () => {
      const { folder, facts } = await stored()
      rmSync(facts)
      execFileSync('mkfifo', [facts])
      expect(await withheldBy(createFolderStore(folder).open('recordings/rec-1'))).toMatch(
        /not a regular file/,
      )
    },
  )
})

test('a folder store sees changes of other programs to cached facts within 30 ms', async () => {
  const { store, facts } = await stored()
  const text = readFileSync(facts, 'utf8')
  const moment = () => new Promise(resolve => setTimeout(resolve, 30))
  expect((await store.find('recordings/rec-1'))?.ownership.owner).toBe('patient-1')
  // First in place with the same length, then by another file, then by removal.
  writeFileSync(facts, text.replace('patient-1', 'patient-2'))
  await moment()
  expect((await store.find('recordings/rec-1'))?.ownership.owner).toBe('patient-2')
  writeFileSync(`${facts}.new`, text.replace('patient-1', 'patient-3'))
  renameSync(`${facts}.new`, facts)
  await moment()
  expect((await store.find('recordings/rec-1'))?.ownership.owner).toBe('patient-3')
  rmSync(facts)
  await moment()
  expect(await store.open('recordings/rec-1')).toBeNull()
})

describe('changing files', () => {
  const SIZE = 3 * 2 ** 20
  test.each<[string, (file: string) => void]>([
    ['is cut', file => truncateSync(file, 300_000)],
    ['is emptied', file => truncateSync(file, 0)],
    ['grows', file => appendFileSync(file, 'more')],
    ['is written over', file => writeFileSync(file, Buffer.alloc(SIZE, 'x'))],
  ])('the stream of a file that %s fails before its last byte, which is not counted', async (_, change) => {
    const { store, content } = await stored(SIZE)
    const part = await store.open('recordings/rec-1')
    const reader = bytesOf(part).getReader()
    let received = (await reader.read()).value?.length ?? 0
    await new Promise(resolve => setTimeout(resolve, 20))
    change(content)
    const rest = async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        received += value.length
      }
    }
    await expect(rest()).rejects.toThrow(/changed while it was read/)
    expect(received).toBeLessThan(SIZE)
    expect(await part?.taken).toBe(received)
  })

  test('a reader of a version that is replaced reads it to its end', async () => {
    const { store, bytes } = await stored(SIZE)
    const part = await store.open('recordings/rec-1')
    const reader = bytesOf(part).getReader()
    const first = (await reader.read()).value ?? new Uint8Array()
    expect(await put(store, 'recordings/rec-1', new Uint8Array(10), part?.etag)).not.toBeNull()
    const chunks = [first]
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
    }
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
    expect(await store.find('recordings/rec-1')).toMatchObject({ size: 10 })
  })

  test('facts and bytes always belong together for many readers, while many writers replace them', async () => {
    const folder = newFolder()
    const store = createFolderStore(folder)
    const version = (n: number) => new Uint8Array(70_000 + n).fill(n)
    await put(store, 'k', version(0))
    let writing = true
    let seen = 0
    const reader = async () => {
      while (writing) {
        const part = await store.open('k')
        const bytes = new Uint8Array(await new Response(bytesOf(part)).arrayBuffer())
        expect(bytes.length).toBe(part?.size)
        const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
        expect(part?.etag).toBe(`"${digest}"`)
        seen += 1
      }
    }
    const writer = async (offset: number) => {
      for (let n = 1; n < 15; n++) {
        const { etag = null } = (await factsOf(store, 'k')) ?? {}
        await put(store, 'k', version(offset + n), etag)
      }
    }
    const readers = [reader(), reader(), reader()]
    await Promise.all([writer(0), writer(50), writer(100)])
    writing = false
    await Promise.all(readers)
    expect(seen).toBeGreaterThan(10)
    // Of all the versions there is one left.
    expect(filesIn(folder)).toHaveLength(2)
  })
})

describe('remains', () => {
  test('a folder store removes the remains of an upload in which an earlier run was killed', async () => {
    const { folder } = await stored()
    writeFileSync(join(folder, '.mediaward/uploads/left'), 'half of a recording')
    const store = createFolderStore(folder)
    expect(filesIn(folder)).toHaveLength(2)
    expect(await store.find('recordings/rec-1')).toMatchObject({ size: 1000 })
  })

  test('readers that leave in the middle of a read do not disturb those that read on', async () => {
    const { store, bytes } = await stored(2 * 2 ** 20)
    // More files than stay open without a reader, so that a file that is taken for unread is closed.
    const others = Array.from({ length: 100 }, () => Buffer.alloc(3000, 'other'))
    for (const [i, other] of others.entries()) await put(store, `other-${i}`, new Uint8Array(other))
    for (let round = 0; round < 10; round++) {
      const staying = await store.open('recordings/rec-1')
      const leaving = await Promise.all(Array.from({ length: 10 }, () => store.open('recordings/rec-1')))
      const reads = leaving.map(part => {
        const reader = bytesOf(part).getReader()
        const read = reader.read().catch(() => undefined)
        return Promise.all([read, reader.cancel()])
      })
      await Promise.all(reads)
      for (const i of others.keys()) await bytesOf(await store.open(`other-${i}`)).cancel()
      const held = await Promise.all(others.map((_, i) => store.open(`other-${i}`)))
      const whole = new Uint8Array(await new Response(bytesOf(staying)).arrayBuffer())
      expect(Buffer.from(whole).equals(bytes)).toBe(true)
      await Promise.all(held.map(part => bytesOf(part).cancel()))
    }
  })

  test('puts that fail and bodies that are read, cancelled, cut or never read leave no file, on disk or open', async () => {
    const { folder, store } = await stored(600_000)
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    for (let i = 0; i < 20; i++) {
      await new Response(bytesOf(await store.open('recordings/rec-1'))).arrayBuffer()
      await bytesOf(await store.open('recordings/rec-1')).cancel()
      const reader = bytesOf(await store.open('recordings/rec-1', { offset: 5 })).getReader()
      await reader.read()
      await reader.cancel()
      const cut = await store.open('recordings/rec-1')
      await bytesOf(cut).getReader().read()
      cut?.cut?.()
      const short = store.put('short', new Blob(['abc']).stream(), {
        size: 9,
        contentType: 'a/b',
        ownership,
        replaces: null,
      })
      await expect(short).rejects.toThrow()
    }
    // A file without a reader stays open for a while.
    await vi.waitFor(() => expect(open()).toBeLessThanOrEqual(before), { timeout: 10_000 })
    expect(filesIn(folder)).toHaveLength(2)
  })
})

test('an object is the old one or the new one, whole, whenever its process is killed', {
  timeout: 60_000,
}, async () => {
  const folder = newFolder()
  const script = `
    import { createFolderStore } from './src/runtime/folder/folder-store.ts'
    const store = createFolderStore(${JSON.stringify(folder)})
    for (let n = 0; ; n++) {
      const bytes = new Uint8Array(100_000 + n).fill(n)
      const replaces = (await store.find('k'))?.etag ?? null
      await store.put('k', new Blob([bytes]).stream(), { size: bytes.length, contentType: 'a/b', ownership: { owner: 'p' }, replaces })
      console.log(n)
    }`
  for (let run = 0; run < 8; run++) {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script])
    let stored = 0
    await new Promise<void>(resolve => {
      child.stdout.on('data', () => {
        stored += 1
        if (stored === 3 + run) resolve()
      })
    })
    await new Promise(resolve => setTimeout(resolve, run))
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
    const part = await createFolderStore(folder).open('k')
    const bytes = new Uint8Array(await new Response(bytesOf(part)).arrayBuffer())
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
    expect(part?.etag).toBe(`"${digest}"`)
  }
})

test.skipIf(process.platform === 'win32')(
  'a full disk is reported with a remedy, and nothing of the object is shown',
  () => {
    const folder = newFolder()
    const script = `
    import { createFolderStore } from './src/runtime/folder/folder-store.ts'
    const store = createFolderStore(${JSON.stringify(folder)})
    const put = size => store.put('k' + size, new Blob([new Uint8Array(size)]).stream(), { size, contentType: 'a/b', ownership: { owner: 'p' }, replaces: null })
    const error = await put(2_000_000).then(() => 'it was stored', error => error.name + ' ' + error.message)
    const small = await put(1000)
    console.log(JSON.stringify({ error, small: small.size, big: await store.find('k2000000') }))`
    // A limit on the size of a file acts like a full disk: one write takes less, and the next one nothing.
    const command = 'ulimit -f 512 && exec "$0" --input-type=module-typescript -e "$1"'
    const stdout = execFileSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' })
    expect(JSON.parse(stdout)).toEqual({
      error: expect.stringMatching(/^StorageFault .*\(EFBIG\): raise its limit/),
      small: 1000,
      big: null,
    })
    expect(filesIn(folder)).toHaveLength(2)
  },
)
