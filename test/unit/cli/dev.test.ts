import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Running, run, start } from '../../support/command.ts'

let data: string
let running: Running | undefined
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'mediaward-'))
})
afterEach(async () => {
  running?.child.kill()
  await running?.ended
})

/** Returns the arguments that run `dev` with the variables. */
function devWith(runtime: string, variables: Record<string, string>): string[] {
  const file = join(data, 'test.vars')
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, `# variables\n${lines.join('')}`)
  return ['dev', '--runtime', runtime, '--port', '0', '--data', data, '--vars', file]
}

/** Starts `dev`, and waits until its gate serves. */
async function serve(variables: Record<string, string>): Promise<Running & { readonly ready: string }> {
  running = start(devWith('node', variables))
  const { stdout } = running.child
  const ready = await new Promise(resolve => stdout?.once('data', resolve))
  return { ...running, ready: String(ready) }
}

/** Ends `dev`, and returns what it said. */
async function said({ child, ended }: Running): Promise<string> {
  child.kill()
  return (await ended).stderr
}

test.runIf(process.platform === 'linux')('dev says how its gate ended if it ends by itself', async () => {
  const { child, ended } = await serve({})
  const gate = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  process.kill(Number(gate), 'SIGKILL')
  const { code, stderr } = await ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/^mediaward: error: the gate ended by SIGKILL$/m)
})

test.each(['workerd', 'node', 'deno'])(
  'dev --runtime %s says in one line that its port is taken, and exits with 1',
  async runtime => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, stdout, stderr } = await run([
      'dev',
      '--runtime',
      runtime,
      '--port',
      `${port}`,
      '--data',
      data,
    ])
    other.close()
    expect(stderr).toBe(`mediaward: error: port ${port} is taken: choose another, as in --port 8080\n`)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  },
)

test('dev warns of variables that it sets itself, and of those that the runtime does not read', async () => {
  // The key ends the run before anything is started.
  const args = devWith('workerd', {
    ...{ PSEUDONYM_KEY: 'short', LEDGER_SHARDS: '2', DATA_DIR: '/srv/data', PORT: '9', HOST: '0.0.0.0' },
    ...{ S3_ENDPOINT: 'https://s3.test', S3_BUCKET: 'clinic', ADDRESS_HEADER: 'X-Real-IP' },
    LEDGER_JURISDICTION: 'eu',
  })
  const { code, stderr } = await run(args)
  expect(code).toBe(2)
  const warnings = stderr.split('\n').filter(line => line.includes('has no effect'))
  const other = 'has no effect in dev --runtime workerd: use --runtime deno or node'
  expect(warnings).toEqual([
    'LEDGER_JURISDICTION has no effect in dev --runtime workerd: only Cloudflare has jurisdictions',
    'DATA_DIR has no effect in dev --runtime workerd: use --data',
    'HOST has no effect in dev --runtime workerd: dev serves this machine only',
    'PORT has no effect in dev --runtime workerd: use --port',
    `ADDRESS_HEADER ${other}`,
    `S3_ENDPOINT ${other}`,
    `S3_BUCKET ${other}`,
  ])
})

test('dev starts on workerd with a LEDGER_JURISDICTION, which it can not honour, and records', async () => {
  running = start(devWith('workerd', { LEDGER_JURISDICTION: 'eu' }))
  const { stdout } = running.child
  const { url } = JSON.parse(await new Promise<string>(resolve => stdout?.once('data', resolve))) as {
    url: string
  }
  expect((await fetch(`${url}/recordings/rec-001`)).status).toBe(401)
  expect(await said(running)).toContain('only Cloudflare has jurisdictions')
})

test('dev prints calls to the path of MEDIA_PREFIX, and warns of no variable that counts', async () => {
  const stderr = await said(await serve({ MEDIA_PREFIX: '/media', ADDRESS_HEADER: 'X-Real-IP' }))
  expect(stderr.match(/\/media\/rec-/g)).toHaveLength(5)
  expect(stderr).not.toContain('/recordings/')
  expect(stderr).not.toContain('has no effect')
})

test('dev prints no call to a demo recording if no location leads to it', async () => {
  const locations = [{ url: '/media/:recording', key: 'consultations/:recording' }]
  const stderr = await said(await serve({ LOCATIONS: `'${JSON.stringify(locations)}'` }))
  expect(stderr).toContain('lists the refusals')
  expect(stderr).not.toContain('curl')
})

test('the page of the demo clinic asks for recordings at the path of MEDIA_PREFIX', async () => {
  const { ready } = await serve({ MEDIA_PREFIX: '/media' })
  const { page } = JSON.parse(ready) as { page: string }
  const clinic: unknown = await (await fetch(`${page}clinic.json`)).json()
  expect(clinic).toMatchObject({ path: '/media/:recording' })
})

const ELSEWHERE = [{ url: '/media/:recording', key: 'consultations/:recording' }]
const ISSUER = { issuer: 'https://login.clinic.test/', audience: 'recordings', algorithms: ['ES256'] }

test.each<[string, Record<string, string>]>([
  [
    'the gate trusts other issuers',
    { ISSUERS: `'${JSON.stringify([{ ...ISSUER, jwks_uri: 'https://login.clinic.test/keys' }])}'` },
  ],
  ['the gate issues no tickets', { TICKET_KEY: '' }],
  ['no location leads to a demo recording', { LOCATIONS: `'${JSON.stringify(ELSEWHERE)}'` }],
  [
    'the recordings are in a bucket',
    {
      S3_ENDPOINT: 'http://127.0.0.1:9',
      ...{ S3_BUCKET: 'clinic', S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 'secret' },
    },
  ],
])('dev has no page if %s', async (_, variables) => {
  const dev = await serve(variables)
  expect(Object.keys(JSON.parse(dev.ready))).toEqual(['ready', 'url'])
  const stderr = await said(dev)
  expect(stderr).toContain('Mediaward serves on ')
  const isNamed = stderr.includes('Commands send the token that MEDIAWARD_TOKEN holds')
  expect(isNamed).toBe('ISSUERS' in variables)
})

test('dev stores no demo recordings in an S3 bucket', async () => {
  const requests: string[] = []
  const store = createServer(({ method, url }, response) => {
    requests.push(`${method} ${url}`)
    response.writeHead(404).end()
  })
  await new Promise<void>(resolve => store.listen(0, '127.0.0.1', resolve))
  const stderr = await said(
    await serve({
      S3_ENDPOINT: `http://127.0.0.1:${(store.address() as AddressInfo).port}`,
      ...{ S3_BUCKET: 'clinic', S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 'secret' },
    }),
  )
  store.close()
  expect(stderr).toContain('no demo recordings are stored')
  expect(requests).toEqual([])
})

test('the development issuer gives each role, and the help of "token" names them all', async () => {
  const { url } = JSON.parse((await serve({})).ready) as { url: string }
  const reads = async (role: string) => {
    const { stdout } = await run(['token', '--data', data, '--sub', 'someone', '--role', role])
    const headers = { Authorization: `Bearer ${stdout.trim()}` }
    return (await fetch(`${url}/console/api/findings`, { headers })).status
  }
  expect([await reads('viewer'), await reads('analyst'), await reads('security')]).toEqual([200, 200, 200])
  expect([await reads('app'), await reads('nurse')]).toEqual([404, 404])
  const { stdout } = await run(['token', '--help'])
  for (const role of ['recorder', 'app', 'security', 'analyst', 'viewer']) expect(stdout).toContain(role)
}, 30_000)
