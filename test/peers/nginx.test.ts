import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  patterned,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'
import { sendRaw } from '../support/raw-http.ts'
import { type Service, startService } from '../support/service.ts'

// The proxy in front, as the documentation sets it up; without TLS, for which it would need a certificate.

const PORT = 20_000 + Math.floor(Math.random() * 10_000)
let service: Service
let idp: TestIssuer
let nginx: ReturnType<typeof spawn>
/** Between nginx and the gate: counts the connections that are made to the gate. */
let connections = 0
const between = createServer(socket => {
  connections += 1
  const { hostname, port } = new URL(service.url)
  const gate = connect(Number(port), hostname)
  for (const one of [socket, gate]) one.on('error', () => {})
  socket.pipe(gate).pipe(socket)
})
const proxy = { url: `http://127.0.0.1:${PORT}` } as RunningGate

beforeAll(async () => {
  idp = await createIssuer()
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  service = await startService('node', join(folder, 'data'), {
    ...variables(idp),
    ADDRESS_HEADER: 'X-Real-IP',
  })
  await new Promise<void>(listening => between.listen(0, '127.0.0.1', listening))
  const gateAt = `127.0.0.1:${(between.address() as AddressInfo).port}`
  const [, documented = ''] =
    /```nginx\n([\s\S]*?)```/.exec(readFileSync('docs/one-machine.md', 'utf8')) ?? []
  const server = documented
    .replace('listen 443 ssl;', `listen 127.0.0.1:${PORT};`)
    .replace(/ssl_certificate\S*\s+\S+;/g, '')
    .replace('127.0.0.1:8787', gateAt)
  expect(server).toContain(gateAt)
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${folder}/${name};`,
  )
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `pid ${folder}/pid; error_log ${folder}/log; user root; events {} http { access_log off; ${paths.join(' ')} ${server} }`,
  )
  nginx = spawn('nginx', ['-c', file, '-p', folder, '-g', 'daemon off;'], { stdio: 'inherit' })
  for (let i = 0; i < 50 && !(await fetch(`${proxy.url}/healthz`).catch(() => undefined)); i++)
    await sleep(100)
})
afterAll(async () => {
  nginx.kill('SIGQUIT')
  between.close()
  service.kill('SIGTERM')
  await service.ended
})

test('recordings are stored and played through nginx, with their lengths', async () => {
  const bytes = patterned(5_000_000)
  expect((await store(proxy, idp, '/recordings/rec-1', 'patient-1', bytes)).status).toBe(201)
  const headers = await idp.bearer('patient-1')
  const whole = await fetch(`${proxy.url}/recordings/rec-1`, { headers })
  expect(whole.headers.get('content-length')).toBe('5000000')
  expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true)
  const range = await fetch(`${proxy.url}/recordings/rec-1`, { headers: { ...headers, Range: 'bytes=-10' } })
  expect(range.headers.get('content-range')).toBe('bytes 4999990-4999999/5000000')
})

test('nginx keeps its connections to the gate', async () => {
  const headers = await idp.bearer('patient-1')
  const before = connections
  for (let i = 0; i < 20; i++)
    expect((await fetch(`${proxy.url}/recordings/rec-1`, { headers, method: 'HEAD' })).status).toBe(200)
  expect(connections - before).toBeLessThanOrEqual(2)
})

test('nginx replaces a forged address, and passes paths on as they were sent', async () => {
  const forged = 'X-Real-IP: 198.51.100.7\r\nX-Forwarded-For: 198.51.100.7\r\nConnection: close\r\n'
  const raw = (path: string) => sendRaw(PORT, `GET ${path} HTTP/1.1\r\nHost: a\r\n${forged}\r\n`)
  expect((await raw('/recordings/rec-1')).status).toBe(401)
  expect((await raw('/recordings/rec-1/../rec-2')).status).toBe(400)
  expect((await raw('/recordings/rec%2d1')).status).toBe(400)
  const events = await denials(proxy, idp)
  expect(events.map(({ reason }) => reason)).toEqual(['token_missing', 'path_invalid', 'path_invalid'])
  expect(new Set(events.map(({ net }) => net?.prefix))).toEqual(new Set(['127.0.0.0/24']))
})
