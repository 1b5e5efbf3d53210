import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AwsClient } from 'aws4fetch'
import { afterAll, vi } from 'vitest'
import { createFolderStore, type S3Options } from '../../src/runtime/local/index.ts'
import { createMemoryStore } from '../../src/runtime/memory/index.ts'
import { createS3Store } from '../../src/runtime/s3/store.ts'
import { concealmentProperty, fill } from '../support/concealment.ts'
import { r2OverS3, type S3Server } from '../support/s3-server.ts'
import { sample } from '../support/sample.ts'

// What is told to the operator of damaged recordings.
vi.spyOn(console, 'error').mockReturnValue()

const RUNS = sample(150, 10_000)
const theirs = { owner: 'patient-2', issuer: 'https://login.clinic.test/' }

concealmentProperty('memory', RUNS, async () => ({
  theirs: { store: createMemoryStore(), below: [] },
  empty: { store: createMemoryStore(), below: [] },
  damaged: [],
}))

concealmentProperty('a folder', RUNS, async () => {
  const root = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const damages: Readonly<Record<string, (file: string) => void>> = {
    missing: file => {
      if (isBytes(file)) rmSync(file)
    },
    short: file => {
      if (isBytes(file)) truncateSync(file, 1)
    },
    unreadable: file => {
      if (!isBytes(file)) writeFileSync(file, '{')
    },
  }
  const before = createFolderStore(root)
  for (const [id, damage] of Object.entries(damages)) {
    await fill(before, id, theirs)
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name)
      if (entry.isFile() && file.slice(root.length).startsWith(`/recordings/${id}`)) damage(file)
    }
  }
  return {
    theirs: { store: createFolderStore(root), below: [] },
    empty: { store: createFolderStore(mkdtempSync(join(tmpdir(), 'mediaward-'))), below: [] },
    damaged: Object.keys(damages),
  }
})
const isBytes = (file: string): boolean => /@[0-9a-f]{32}$/.test(file)

let server: S3Server | undefined
afterAll(() => server?.stop())

concealmentProperty("S3, which is R2's", RUNS, async () => {
  server = await r2OverS3()
  const shelves = [server.bucket(), server.bucket()].map(options => {
    const below: string[] = []
    return { options, below, store: createS3Store(options) }
  })
  const [mine, none] = shelves
  if (mine === undefined || none === undefined) throw new Error('there are two')
  const id = 'coded'
  await fill(mine.store, id, theirs)
  for (const part of ['', '/part.ts', '/master.m3u8', '/deep/down/list'])
    await encode(mine.options, id + part)
  const locked = 'kms-key-disabled'
  await fill(mine.store, locked, theirs)
  const broken = 'on-a-broken-disk'
  await fill(mine.store, broken, theirs)
  // What is read comes and goes by fetch: so each request to the store is seen here.
  const { fetch } = globalThis
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    const shelf = shelves.find(({ options }) => url.pathname.split('/').includes(options.bucket))
    const what = url.search === '' ? 'an object' : 'a list'
    shelf?.below.push(`${init.method} ${what}, range ${new Headers(init.headers).get('range')}`)
    if (init.method === 'GET' && url.pathname.includes(`/${locked}`)) return inPlaceOf(fetch(url, init), 400)
    if (init.method === 'GET' && url.pathname.includes(`/${broken}`)) return inPlaceOf(fetch(url, init), 500)
    return fetch(url, init)
  })
  return { theirs: mine, empty: none, damaged: [id, locked, broken] }
})

/** What AWS answers to GET of an object whose KMS key is disabled, or that it can't read. HEAD answers as ever. */
async function inPlaceOf(answered: Promise<Response>, status: 400 | 500): Promise<Response> {
  const response = await answered
  if (!response.ok) return response
  await response.body?.cancel()
  const code = status === 400 ? 'KMS.DisabledException' : 'InternalError'
  return new Response(`<Error><Code>${code}</Code></Error>`, {
    status,
    headers: { 'content-type': 'application/xml' },
  })
}

/** Stores an object again, as a tool does that packs what it sends. */
async function encode(options: S3Options, name: string): Promise<void> {
  const client = new AwsClient({ ...options, service: 's3', region: 'auto' })
  const response = await client.fetch(`${options.endpoint}/${options.bucket}/recordings/${name}`, {
    method: 'PUT',
    body: 'packed',
    headers: {
      'content-type': 'video/mp4',
      'content-encoding': 'gzip',
      'x-amz-meta-mw-owner': theirs.owner,
      'x-amz-meta-mw-issuer': theirs.issuer,
    },
  })
  if (!response.ok) throw new Error(`it answered ${response.status}`)
}
