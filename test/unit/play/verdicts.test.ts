import { beforeEach, expect, test, vi } from 'vitest'
import * as playlist from '../../../src/playlist/playlist.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// Rewriting one of the longest playlists blocks an isolate for a good part of a second, so it is counted how often that is
// done.

vi.mock('../../../src/playlist/playlist.ts', { spy: true })

const rewrites = vi.mocked(playlist.rewriteBytes)
beforeEach(() => {
  rewrites.mockClear()
})

/** Asks for a playlist as the patient whose recording it is. */
async function opened(text: string): Promise<(method: string) => Promise<Response>> {
  const store = createMemoryStore()
  const { idp, fetch } = await memoryGate({ store })
  const body = new Blob([text])
  await store.put('recordings/set/main.m3u8', body.stream(), {
    size: body.size,
    contentType: 'application/vnd.apple.mpegurl',
    ownership: { owner: 'patient-1', issuer: idp.issuer },
    replaces: null,
  })
  const headers = await idp.bearer('patient-1')
  return method => fetch('/recordings/set/main.m3u8', { method, headers })
}

const START = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n'
const GOOD = `${START}#EXTINF:2,\nhttps://gate.test/recordings/set/0.ts\n`
const BAD = `${START}#EXTINF:2,\nhttps://evil.example/0.ts\n`
const LONG = START + `#EXTINF:2,\nhttps://gate.test/recordings/set/${'x'.repeat(55)}.ts\n`.repeat(20_000)

test.each([
  ['good', GOOD, 200],
  ['bad', BAD, 403],
])('a playlist that is %s is rewritten once for all requests that follow', async (_, text, status) => {
  const play = await opened(text)
  for (const method of ['GET', 'HEAD', 'GET']) expect((await play(method)).status).toBe(status)
  expect(rewrites).toHaveBeenCalledTimes(1)
})

test('a playlist is rewritten once for many concurrent requests, or they would block all other viewers', async () => {
  expect(LONG.length).toBeGreaterThan(1.9 * 1024 * 1024)
  const play = await opened(LONG)
  const methods = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 'HEAD' : 'GET'))
  const answers = await Promise.all(methods.map(play))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const lengths = new Set(answers.map(({ headers }) => headers.get('content-length')))
  expect(lengths).toEqual(new Set([String(LONG.replaceAll('https://gate.test/recordings/set/', '').length)]))
  expect(rewrites).toHaveBeenCalledTimes(1)
})
