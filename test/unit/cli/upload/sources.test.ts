import { mkdirSync, mkdtempSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { versionOf } from '../../../../src/cli/upload/source-file.ts'
import { findSources, groupByOrder } from '../../../../src/cli/upload/sources.ts'

const RECORDING = new URL('https://gate.test/recordings/rec-1')
const MASTER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo/list.m3u8\n'
const LIST = '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nsegment-000.m4s\n'

let folder: string
const write = (name: string, content: string) => writeFileSync(join(folder, name), content)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
})
afterEach(() => vi.restoreAllMocks())

test('a single file becomes the recording itself', async () => {
  write('video.mp4', 'video')
  const path = join(folder, 'video.mp4')
  const version = versionOf(statSync(path))
  expect(await findSources(path, RECORDING)).toEqual([
    { path, url: RECORDING, version, kind: 'media', contentType: 'video/mp4' },
  ])
})

test('the files of a folder become parts, sorted, with links followed and hidden files left out', async () => {
  mkdirSync(join(folder, 'video'))
  write('video/segment-000.m4s', 'x')
  write('.DS_Store', 'x')
  write('a.ts', 'x')
  symlinkSync(join(folder, 'a.ts'), join(folder, 'link.ts'))
  const sources = await findSources(folder, RECORDING)
  expect(sources.map(({ part, url }) => [part, url.href])).toEqual([
    ['a.ts', 'https://gate.test/recordings/rec-1/a.ts'],
    ['link.ts', 'https://gate.test/recordings/rec-1/link.ts'],
    ['video/segment-000.m4s', 'https://gate.test/recordings/rec-1/video/segment-000.m4s'],
  ])
})

test('a hidden folder is left out with all that it contains, and named once', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  mkdirSync(join(folder, 'video', '.git', 'refs'), { recursive: true })
  write('video/.git/HEAD', 'x')
  write('video/.git/.lock', 'x')
  write('a.ts', 'x')
  const sources = await findSources(folder, RECORDING)
  expect(sources.map(({ part }) => part)).toEqual(['a.ts'])
  expect(said.mock.calls).toEqual([[`${join(folder, 'video', '.git')} is hidden and left out\n`]])
})

test('a playlist is classified by its whole content, not only by its beginning', async () => {
  write('list', `#EXTM3U\n${'# a comment\n'.repeat(500)}#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo.m3u8\n`)
  expect(await findSources(folder, RECORDING)).toMatchObject([
    { kind: 'master', contentType: 'application/vnd.apple.mpegurl' },
  ])
})

test('media are stored first, then playlists, then masters; a group without files is left out', async () => {
  mkdirSync(join(folder, 'video'))
  write('a-master', MASTER)
  write('video/list', LIST)
  write('video/segment-000.m4s', 'x')
  write('z.vtt', 'x')
  const sources = await findSources(folder, RECORDING)
  const parts = (files: typeof sources) => groupByOrder(files).map(group => group.map(({ part }) => part))
  expect(parts(sources)).toEqual([['video/segment-000.m4s', 'z.vtt'], ['video/list'], ['a-master']])
  expect(parts(sources.slice(1, 2))).toEqual([['video/list']])
})

test.each<[string, () => void, RegExp]>([
  [
    'a name with a space',
    () => write('a b.ts', 'x'),
    /a b\.ts can't be a part's name: .* can't contain U\+0020/,
  ],
  ['a name with a backslash', () => write('a\\b.ts', 'x'), /can't be a part's name: it contains a backslash/],
  ['no files', () => mkdirSync(join(folder, 'empty')), /contains no files/],
  [
    'a playlist that leads out of the recording',
    () => write('list.m3u8', LIST.replace('segment-000.m4s', '/other')),
    /list\.m3u8 can't be stored/,
  ],
  [
    'a link to no file',
    () => symlinkSync('/does/not/exist', join(folder, 'gone')),
    /gone can't be read \(ENOENT\)/,
  ],
])('a folder with %s is not stored', async (_, make, message) => {
  make()
  await expect(findSources(folder, RECORDING)).rejects.toThrow(message)
})

test('a file over 5 TiB is not stored', async context => {
  write('video.mp4', '')
  try {
    truncateSync(join(folder, 'video.mp4'), 5 * 1024 ** 4 + 1)
  } catch {
    context.skip('the disk has no file of that size')
  }
  await expect(findSources(folder, RECORDING)).rejects.toThrow(/is larger than 5 TiB/)
})
