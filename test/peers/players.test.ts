import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'

// Clients that others wrote, with their own defaults: ffmpeg, ffprobe, curl, wget, aria2.

let gate: RunningGate
let bearer: string

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function run(command: string, args: readonly string[], cwd?: string): Promise<Ended> {
  return new Promise(resolve => {
    execFile(command, args, { cwd }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

beforeAll(async () => {
  gate = await startGate({ demo: true })
  const { stdout } = await run(process.execPath, [
    'src/cli/main.ts',
    'token',
    '--sub',
    'patient-007',
    '--data',
    gate.data,
  ])
  bearer = `Authorization: Bearer ${stdout.trim()}`
})
afterAll(() => gate.stop())

describe('ffmpeg', () => {
  const input = (path: string) => ['-v', 'error', '-headers', `${bearer}\r\n`, '-i', gate.url + path]

  test('ffprobe reads the duration of an MP4 by a token', async () => {
    const { stdout } = await run('ffprobe', [
      ...input('/recordings/rec-007'),
      '-show_entries',
      'format=duration',
      '-of',
      'csv=p=0',
    ])
    expect(Number(stdout)).toBeCloseTo(12, 0)
  })

  test.each(['/recordings/rec-007', '/recordings/rec-013/master.m3u8'])(
    'ffmpeg plays %s to its end by a token',
    async path => {
      const { code, stderr } = await run('ffmpeg', [...input(path), '-f', 'null', '-'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    },
  )

  test('ffmpeg seeks in an MP4 by a token', async () => {
    const seek = [
      '-v',
      'error',
      '-headers',
      `${bearer}\r\n`,
      '-ss',
      '9',
      '-i',
      `${gate.url}/recordings/rec-007`,
    ]
    const { code, stdout } = await run('ffmpeg', [...seek, '-frames:v', '1', '-f', 'framemd5', '-'])
    const file = await run('ffmpeg', [
      '-v',
      'error',
      '-ss',
      '9',
      '-i',
      'demo/media/patient-007.mp4',
      '-frames:v',
      '1',
      '-f',
      'framemd5',
      '-',
    ])
    expect({ code, stdout }).toEqual({ code: 0, stdout: file.stdout })
  })

  test('ffmpeg gets 404 for the recording of another patient', async () => {
    const { code, stderr } = await run('ffmpeg', [...input('/recordings/rec-001'), '-f', 'null', '-'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('404')
  })
})

describe('the URL of a ticket', () => {
  const ticketFor = async (path: string): Promise<string> => {
    const [name = '', value = ''] = bearer.split(': ')
    const response = await fetch(`${gate.url}${path}/ticket`, { method: 'POST', headers: { [name]: value } })
    return ((await response.json()) as { url: string }).url
  }

  test.each(['/recordings/rec-007', '/recordings/rec-013/master.m3u8'])(
    'ffmpeg plays %s to its end by the URL of a ticket',
    async path => {
      const { code, stderr } = await run('ffmpeg', [
        '-v',
        'error',
        '-i',
        await ticketFor(path),
        '-f',
        'null',
        '-',
      ])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    },
  )

  test('ffprobe reads the duration of an HLS set by the URL of a ticket', async () => {
    const url = await ticketFor('/recordings/rec-013/master.m3u8')
    const show = ['-show_entries', 'format=duration', '-of', 'csv=p=0']
    const { stdout } = await run('ffprobe', ['-v', 'error', '-i', url, ...show])
    expect(Number(stdout)).toBeCloseTo(12, 0)
  })

  test('ffmpeg seeks in an MP4 by the URL of a ticket', async () => {
    const frame = async (input: string) =>
      (await run('ffmpeg', ['-v', 'error', '-ss', '9', '-i', input, '-frames:v', '1', '-f', 'framemd5', '-']))
        .stdout
    const original = await frame('demo/media/patient-007.mp4')
    expect(original).toContain('0, ')
    expect(await frame(await ticketFor('/recordings/rec-007'))).toBe(original)
  })

  describe.each([
    ['curl', ['-sS', '-OJ']],
    ['wget', ['-q', '--content-disposition']],
    ['aria2c', ['-q']],
  ])('%s', (command, args) => {
    const folder = () => mkdtempSync(join(tmpdir(), 'mediaward-'))

    test.each([
      ['/recordings/rec-007', 'rec-007.mp4', 'patient-007.mp4'],
      ['/recordings/rec-013/master.m3u8', 'rec-013-master.m3u8', 'patient-007-hls/master.m3u8'],
    ])(`${command} saves %s under the name %s`, async (path, name, media) => {
      const where = folder()
      expect(await run(command, [...args, await ticketFor(path)], where)).toMatchObject({
        code: 0,
        stderr: '',
      })
      expect(readdirSync(where)).toEqual([name])
      expect(readFileSync(join(where, name)).equals(readFileSync(`demo/media/${media}`))).toBe(true)
    })

    test(`${command} saves no file under the name of a ticket that is refused`, async () => {
      const where = folder()
      const url = await ticketFor('/recordings/rec-007')
      await run(command, [...args, `${url.slice(0, -4)}AAAA`], where)
      // wget and aria2 keep nothing of a refusal.
      expect(readdirSync(where)).toEqual(command === 'curl' ? ['refusal.json'] : [])
    })
  })

  test('curl resumes a download that broke off, with the URL of a ticket', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'recording.mp4')
    const original = readFileSync('demo/media/patient-007.mp4')
    writeFileSync(file, original)
    truncateSync(file, 30_001)
    const ended = await run('curl', ['-sS', '-C', '-', '-o', file, await ticketFor('/recordings/rec-007')])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(file).equals(original)).toBe(true)
  })
})

describe('curl', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'recording.mp4')
  const original = readFileSync('demo/media/patient-007.mp4')
  const curl = (...args: string[]) =>
    run('curl', ['-sS', '-H', bearer, ...args, `${gate.url}/recordings/rec-007`])

  test('curl resumes a download that broke off, with a token', async () => {
    writeFileSync(file, original)
    truncateSync(file, 30_001)
    expect(await curl('-C', '-', '-o', file)).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(file).equals(original)).toBe(true)
  })

  test('curl gets 304 and no bytes for a recording that has not changed', async () => {
    const etag = `${file}.etag`
    await curl('--etag-save', etag, '-o', file)
    const { stdout } = await curl(
      '--etag-compare',
      etag,
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{size_download}',
    )
    expect(stdout).toBe('304 0')
  })

  test('curl gets the whole recording if it asks for several ranges', async () => {
    const { stdout } = await curl(
      '-r',
      '0-9,100-109',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{size_download}',
    )
    expect(stdout).toBe(`200 ${original.length}`)
  })

  test('curl stores a recording as the README says, with Expect: 100-continue', async () => {
    const args = ['token', '--sub', 'recorder-1', '--role', 'recorder', '--data', gate.data]
    const { stdout: token } = await run(process.execPath, ['src/cli/main.ts', ...args])
    const put = (bearer: string) =>
      run('curl', [
        ...['-sS', '-o', '/dev/null', '-w', '%{http_code}', '-X', 'PUT', '-T', 'demo/media/patient-007.mp4'],
        ...['-H', 'Content-Type: video/mp4'],
        ...['-H', `Authorization: Bearer ${bearer.trim()}`, '-H', 'Mediaward-Owner: patient-007'],
        ...['-H', 'Expect: 100-continue', `${gate.url}/recordings/from-curl`],
      ])
    expect(await put('none')).toMatchObject({ code: 0, stdout: '401', stderr: '' })
    expect(await put(token)).toMatchObject({ code: 0, stdout: '201', stderr: '' })
    const { stdout } = await run('curl', [
      '-sS',
      '-H',
      bearer,
      '-o',
      file,
      '-w',
      '%{http_code} %{content_type}',
      `${gate.url}/recordings/from-curl`,
    ])
    expect(stdout).toBe('200 video/mp4')
    expect(readFileSync(file).equals(original)).toBe(true)
  })
})
