import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../support/command.ts'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, type TestIssuer, variables } from '../support/gate-client.ts'

// Runs the commands as a person or a program does.

let clinic: RunningGate
const at = () => ['--url', clinic.url, '--data', clinic.data]
const token = async (...args: string[]) =>
  (await run(['token', '--data', clinic.data, ...args])).stdout.trim()

beforeAll(async () => {
  clinic = await startGate({ demo: true })
})
afterAll(() => clinic.stop())

describe('the demo clinic', () => {
  test('the demo clinic has recordings of ten patients, and each plays only to its patient', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 10 }, (_, i) => token('--sub', `patient-${String(i + 1).padStart(3, '0')}`)),
    )
    for (const [i, bearer] of tokens.entries()) {
      const get = (n: number) =>
        fetch(`${clinic.url}/recordings/rec-${String(n + 1).padStart(3, '0')}`, {
          headers: { Authorization: `Bearer ${bearer}` },
        })
      const own = await get(i)
      expect(own.status).toBe(200)
      expect(own.headers.get('content-type')).toBe('video/mp4')
      expect(
        Buffer.from(await own.arrayBuffer())
          .subarray(4, 8)
          .toString(),
      ).toBe('ftyp')
      expect((await get((i + 1) % 10)).status).toBe(404)
    }
  })

  test('the demo clinic has a WebM, an audio file and an HLS set', async () => {
    const headers = async (sub: string) => ({ Authorization: `Bearer ${await token('--sub', sub)}` })
    const type = async (path: string, sub: string) =>
      (await fetch(clinic.url + path, { headers: await headers(sub) })).headers.get('content-type')
    expect(await type('/recordings/rec-011', 'patient-002')).toBe('video/webm')
    expect(await type('/recordings/rec-012', 'patient-003')).toBe('audio/mp4')
    expect(await type('/recordings/rec-013/master.m3u8', 'patient-007')).toBe('application/vnd.apple.mpegurl')
    expect(await type('/recordings/rec-013/segment-003.m4s', 'patient-007')).toBe('video/mp4')
    expect(
      (
        await fetch(`${clinic.url}/recordings/rec-013/segment-003.m4s`, {
          headers: await headers('patient-001'),
        })
      ).status,
    ).toBe(404)
  })

  test('the demo clinic prints four calls of curl, and each does what it says', async () => {
    const lines = clinic
      .said()
      .split('\n')
      .filter(line => line.includes('curl'))
    expect(lines).toHaveLength(4)
    const statuses = await Promise.all(
      lines.map(
        line =>
          new Promise<string>((resolve, reject) => {
            const command = line.replaceAll('npm run -s mediaward --', `${process.execPath} src/cli/main.ts`)
            execFile(
              'bash',
              ['-c', command.replace('curl -i', "curl -i -o /dev/null -sw '%{http_code}'")],
              (error, stdout) => (error ? reject(error) : resolve(stdout.trim().slice(0, 3))),
            )
          }),
      ),
    )
    expect(statuses).toEqual(['206', '404', '401', '201'])
  })
})

describe('put', () => {
  test('put stores a file and a folder, and their owner plays both', async () => {
    const file = await run(['put', 'mine', 'demo/media/patient-002.webm', '--owner', 'patient-042', ...at()])
    expect(file).toMatchObject({ code: 0, stdout: '' })
    expect(file.stderr).toContain('mine: 1 file stored for patient-042')
    const folder = await run(['put', 'set', 'demo/media/patient-007-hls', '--owner', 'patient-042', ...at()])
    expect(folder.stderr).toContain('set: 9 files stored for patient-042')
    const headers = { Authorization: `Bearer ${await token('--sub', 'patient-042')}` }
    expect((await fetch(`${clinic.url}/recordings/mine`, { headers })).headers.get('content-type')).toBe(
      'video/webm',
    )
    expect((await fetch(`${clinic.url}/recordings/set/init.mp4`, { headers })).status).toBe(200)
  })

  test('put stores all files of a folder, or none if one has a name that a part cannot have', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
    writeFileSync(join(folder, 'a.ts'), 'a')
    writeFileSync(join(folder, '.DS_Store'), 'x')
    symlinkSync(join(folder, 'a.ts'), join(folder, 'b.ts'))
    const good = await run(['put', 'links', folder, '--owner', 'patient-042', ...at()])
    expect(good.stderr).toMatch(/\.DS_Store is hidden and left out[\s\S]*links: 2 files stored/)
    for (const name of ['seg#1.ts', 'a b.ts', 'a?b.ts', 'ü.ts', 'a\\b.ts']) {
      writeFileSync(join(folder, name), 'x')
      const bad = await run(['put', 'bad', folder, '--owner', 'patient-042', ...at()])
      expect(bad).toMatchObject({ code: 2, stdout: '' })
      expect(bad.stderr).toContain("can't be a part's name")
      rmSync(join(folder, name))
    }
    const headers = { Authorization: `Bearer ${await token('--sub', 'patient-042')}` }
    expect((await fetch(`${clinic.url}/recordings/bad/a.ts`, { headers })).status).toBe(404)
    expect(await (await fetch(`${clinic.url}/recordings/links/b.ts`, { headers })).text()).toBe('a')
  })

  test('put does not store a part of a recording that belongs to another owner', async () => {
    const { code, stderr } = await run([
      'put',
      'rec-001',
      'demo/media/patient-007-hls',
      '--owner',
      'patient-042',
      ...at(),
    ])
    expect(code).toBe(1)
    expect(stderr).toContain('409 Conflict')
  })

  test('put reports a refusal of the gate with the id of its event', async () => {
    const { code, stderr } = await run(['put', 'rec-001', 'package.json', '--owner', 'patient-042', ...at()])
    expect(code).toBe(1)
    expect(stderr).toMatch(/error: package\.json was not stored: 409 Conflict: .* \(event [0-9a-f-]{36}\)/)
  })
})

describe('denials', () => {
  test('denials --json prints all denials within --limit and --since, one a line, oldest first', async () => {
    for (let i = 0; i < 5; i++) await fetch(`${clinic.url}/recordings/rec-00${i}`)
    const { code, stdout } = await run(['denials', '--json', ...at()])
    expect(code).toBe(0)
    const events = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { id: string; t: string; decision: string })
    expect(events.length).toBeGreaterThanOrEqual(5)
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).sort())
    expect(new Set(events.map(({ decision }) => decision))).toEqual(new Set(['deny']))
    const newest = await run(['denials', '--json', '--limit', '2', ...at()])
    expect(
      newest.stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).id),
    ).toEqual(events.slice(-2).map(({ id }) => id))
    const none = await run(['denials', '--json', '--since', '2100-01-01T00:00:00Z', ...at()])
    expect(none).toMatchObject({ code: 0, stdout: '' })
    expect((await run(['denials', '--since', '1h', ...at()])).stdout).toContain('token_missing')
  })

  test('denials --follow prints each new denial once', { timeout: 30_000 }, async () => {
    const follower = spawn(process.execPath, [
      'src/cli/main.ts',
      'denials',
      '--follow',
      '--json',
      '--limit',
      '1',
      ...at(),
    ])
    let seen = ''
    follower.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString()
    })
    const until = async (n: number) => {
      while (seen.split('\n').length <= n) await new Promise(resolve => setTimeout(resolve, 50))
    }
    await until(1)
    const answered: string[] = []
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`${clinic.url}/recordings/follow-${i}`)
      answered.push(((await response.json()) as { instance: string }).instance.slice(9))
      await until(2 + i)
    }
    follower.kill()
    expect(
      seen
        .trim()
        .split('\n')
        .slice(1)
        .map(line => JSON.parse(line).id),
    ).toEqual(answered)
  })

  test('denials fails with a hint if its token lacks a role that reads the log', async () => {
    const { code, stderr } = await run(['denials', '--token', await token('--sub', 'patient-001'), ...at()])
    expect(code).toBe(2)
    expect(stderr).toContain('hint: the token needs the role "viewer", "analyst" or "security"')
  })
})

describe('log', () => {
  test('log lists the records of one person, by an id that the gate turns into a pseudonym', async () => {
    const bearer = await token('--sub', 'patient-008')
    const begin = new Date().toISOString()
    const get = (recording: string, range: string) =>
      fetch(`${clinic.url}/recordings/${recording}`, {
        headers: { Authorization: `Bearer ${bearer}`, Range: range },
      })
    expect((await get('rec-001', 'bytes=0-9')).status).toBe(404)
    expect((await (await get('rec-008', 'bytes=0-9')).arrayBuffer()).byteLength).toBe(10)
    const kinds = async (...args: string[]) => {
      const { stdout } = await run(['log', '--json', '--subject', 'patient-008', ...args, ...at()])
      const events = stdout.split('\n').filter(line => line !== '')
      return events.map(line => JSON.parse(line) as { kind: string; recording: string; subject: string })
    }
    const found = await kinds('--since', begin)
    expect(found).toMatchObject([
      { kind: 'access', recording: 'rec-001' },
      { kind: 'view', recording: 'rec-008' },
    ])
    expect(await kinds('--since', begin, '--recording', 'rec-008', '--kind', 'view')).toMatchObject([
      { subject: found[0]?.subject },
    ])
    const { stdout } = await run([
      'log',
      '--wide',
      '--reason',
      'not_owner',
      '--recording',
      'rec-001',
      ...at(),
    ])
    expect(stdout).toContain(`GET rec-001                   by ${found[0]?.subject}`)
  })
})

describe('token', () => {
  test('token prints a token with the given claims, and nothing else', async () => {
    const { stdout, stderr } = await run([
      'token',
      '--sub',
      'p',
      '--role',
      'a',
      '--role',
      'b',
      '--ttl',
      '60',
      '--claim',
      'tenant=north',
      '--claim',
      'n=7',
      '--data',
      clinic.data,
    ])
    expect(stderr).toBe('')
    expect(stdout.trim().split('\n')).toHaveLength(1)
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ sub: 'p', roles: ['a', 'b'], tenant: 'north', n: 7 })
    expect(claims.exp - claims.iat).toBe(60)
  })
})

describe('dev', () => {
  test('dev, started by `npm start`, trusts only the issuers in the file of --vars', async () => {
    const idp: TestIssuer = await createIssuer()
    const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const file = join(data, 'my.vars')
    const lines = Object.entries(variables(idp)).map(([name, value]) => `${name}=${value}`)
    writeFileSync(file, `# a comment\n${lines.join('\n')}\nCHECKPOINT_KEY=for-a-later-version\n`)
    const npm = spawn(
      'npm',
      ['start', '--', '--runtime', RUNTIME, '--port', '0', '--data', data, '--vars', file, '--no-demo'],
      { detached: true },
    )
    const ready = await new Promise<string>(resolve => {
      let out = ''
      npm.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString()
        const line = out.split('\n').find(text => text.startsWith('{'))
        if (line !== undefined && out.endsWith('\n')) resolve(line)
      })
    })
    const { url } = JSON.parse(ready) as { ready: true; url: string }
    const ask = async (bearer: string) =>
      (await fetch(`${url}/recordings/rec-001`, { headers: { Authorization: `Bearer ${bearer}` } })).status
    expect(await ask(await idp.token('patient-001'))).toBe(404)
    const { stdout } = await run(['token', '--sub', 'patient-001', '--data', data])
    expect(await ask(stdout.trim())).toBe(401)
    const reasons = (await denials({ url } as RunningGate, idp)).map(({ reason }) => reason)
    expect(reasons).toEqual(['recording_unknown', 'token_issuer'])
    process.kill(-(npm.pid ?? 0), 'SIGTERM')
  })

  test('dev reads a file of variables that begins with a byte order mark', async () => {
    const idp = await createIssuer()
    const vars = variables(idp)
    const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
    writeFileSync(join(data, 'bom.vars'), `\ufeffISSUERS='${vars.ISSUERS}'\n`)
    const marked = await startGate({ data, varsFile: join(data, 'bom.vars') })
    const { stdout } = await run(['token', '--sub', 'patient-001', '--data', data])
    const headers = { Authorization: `Bearer ${stdout.trim()}` }
    expect((await fetch(`${marked.url}/recordings/rec-001`, { headers })).status).toBe(401)
    await marked.stop()
  })

  test('dev does not start on a data folder that another run uses', async () => {
    const { code, stderr } = await run(['dev', '--port', '0', '--data', clinic.data])
    expect(code).toBe(2)
    expect(stderr).toMatch(/is in use by process \d+/)
    expect((await fetch(`${clinic.url}/healthz`)).status).toBe(200)
  })

  test('dev keeps its log from one run to the next', async () => {
    const first = await startGate({ demo: true })
    await fetch(`${first.url}/recordings/rec-001`)
    await first.stop()
    const again = await startGate({ demo: true, data: first.data })
    const { stdout } = await run(['denials', '--json', '--url', again.url, '--data', again.data])
    expect(stdout).toContain('token_missing')
    await again.stop()
  })
})

test('GET /healthz answers that the gate is alive, and nothing else', async () => {
  const response = await fetch(`${clinic.url}/healthz`)
  expect([response.status, await response.text()]).toEqual([200, 'ok'])
})
