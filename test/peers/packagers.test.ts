import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mediaTypeOf } from '../../src/http/media-type.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, store, type TestIssuer, variables } from '../support/gate-client.ts'

// What ffmpeg packages, in the ways that people have it do so, is stored, rewritten as far as needed, and played by
// ffmpeg with a ticket: every frame of it.

const run = promisify(execFile)
const KEY = 'only for tests: it opens nothing anywhere else'
let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: { ...variables(idp), TICKET_KEY: KEY } })
})
afterAll(() => gate.stop())

interface Packaged {
  /** The file that a player begins with. */
  readonly first: string
  /** What ffmpeg plays where nobody stands between; by default what was packaged. */
  readonly same?: string
}

/** Packages the video of one patient into a folder. */
type Package = (folder: string, base: string) => Promise<Packaged>

const MEDIA = join(process.cwd(), 'demo/media/patient-007.mp4')

async function ffmpeg(folder: string, ...args: string[]): Promise<void> {
  await run('ffmpeg', ['-v', 'error', '-i', MEDIA, '-c', 'copy', ...args], { cwd: folder })
}

const WAYS: Readonly<Record<string, Package>> = {
  'HLS with absolute URLs and segments of MPEG-TS': async (folder, base) => {
    await ffmpeg(folder, '-f', 'hls', '-hls_list_size', '0', '-hls_base_url', base, 'main.m3u8')
    return { first: 'main.m3u8' }
  },
  'HLS with byte ranges of one file': async folder => {
    const hls = ['-f', 'hls', '-hls_list_size', '0', '-hls_segment_type', 'fmp4']
    await ffmpeg(folder, ...hls, '-hls_flags', 'single_file', 'main.m3u8')
    return { first: 'main.m3u8' }
  },
  'HLS with a key at an absolute URL': async (folder, base) => {
    writeFileSync(join(folder, 'the.key'), Buffer.alloc(16, 7))
    writeFileSync(join(folder, '.info'), `${base}the.key\n${join(folder, 'the.key')}\n`)
    await ffmpeg(folder, '-f', 'hls', '-hls_list_size', '0', '-hls_key_info_file', '.info', 'main.m3u8')
    return { first: 'main.m3u8' }
  },
  'HLS with variants in folders': async folder => {
    const maps = ['-map', '0:v', '-map', '0:a', '-var_stream_map', 'v:0,agroup:sound a:0,agroup:sound']
    const hls = ['-f', 'hls', '-hls_list_size', '0', '-master_pl_name', 'master.m3u8']
    await ffmpeg(folder, ...maps, ...hls, '-hls_segment_filename', 'v%v/%d.ts', 'v%v/main.m3u8')
    return { first: 'master.m3u8' }
  },
  'DASH with templates': async folder => {
    await ffmpeg(folder, '-f', 'dash', '-seg_duration', '2', 'manifest.mpd')
    return { first: 'manifest.mpd' }
  },
  'DASH with lists of segments': async folder => {
    await ffmpeg(
      folder,
      '-f',
      'dash',
      '-seg_duration',
      '2',
      '-use_template',
      '0',
      '-use_timeline',
      '0',
      'manifest.mpd',
    )
    // From a list it reads no more than the first two segments, from a disk too.
    return { first: 'manifest.mpd', same: join(folder, 'manifest.mpd') }
  },
  'DASH with an absolute base': async (folder, base) => {
    await ffmpeg(folder, '-f', 'dash', '-seg_duration', '2', 'plain.mpd')
    const plain = readFileSync(join(folder, 'plain.mpd'), 'utf8')
    writeFileSync(
      join(folder, 'manifest.mpd'),
      plain.replace(/(<MPD[^>]*>)/, (mpd: string) => `${mpd}<BaseURL>${base}</BaseURL>`),
    )
    return { first: 'manifest.mpd' }
  },
}

async function frames(input: string): Promise<string> {
  const args = ['-v', 'error', '-i', input, '-map', '0:v:0', '-f', 'framemd5', '-']
  const { stdout, stderr } = await run('ffmpeg', args)
  expect(stderr).toBe('')
  // Of every frame, what it shows; packaging may shift when.
  return stdout.replace(/^#.*\n/gm, '').replace(/^.*, /gm, '')
}

test.each(Object.entries(WAYS).map(([way, make], index) => ({ way, make, id: `set-${index}` })))(
  'ffmpeg plays every frame of $way, by a ticket',
  async ({ make, id }) => {
    const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const { first, same = MEDIA } = await make(folder, `${gate.url}/recordings/${id}/`)
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (name.startsWith('.') || !/\.\w+$/.test(name)) continue
      const type = { 'Content-Type': mediaTypeOf(name) }
      const bytes = new Uint8Array(readFileSync(join(folder, name)))
      expect((await store(gate, idp, `/recordings/${id}/${name}`, 'patient-007', bytes, type)).status).toBe(
        201,
      )
    }
    const response = await fetch(`${gate.url}/recordings/${id}/${first}/ticket`, {
      method: 'POST',
      headers: await idp.bearer('patient-007'),
    })
    const { url } = (await response.json()) as { url: string }
    const played = await frames(url)
    expect(played.split('\n').length).toBeGreaterThan(30)
    expect(played).toBe(await frames(same))
    expect((await denials(gate, idp)).filter(({ recording }) => recording === id)).toEqual([])
  },
)
