import { mkdtempSync, readdirSync, readlinkSync, truncateSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { RunningGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  patterned,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'
import { type Service, startService } from '../support/service.ts'

// The server of each runtime as a service: how it starts, stops, and what it leaves.

const SIZE = 24 * 2 ** 20
let idp: TestIssuer
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'mediaward-'))

beforeAll(async () => {
  idp = await createIssuer()
})

/** The ids of all records, read from the file itself. */
function recorded(data: string): Set<string> {
  const database = new DatabaseSync(join(data, 'ledger.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT id FROM event').all() as { id: string }[]
  database.close()
  return new Set(rows.map(({ id }) => id))
}

async function withLong(
  service: Service,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; headers: Record<string, string> }> {
  const bytes = patterned(SIZE)
  const gate = { url: service.url } as RunningGate
  expect((await store(gate, idp, '/recordings/long', 'patient-1', bytes)).status).toBe(201)
  return { bytes, headers: await idp.bearer('patient-1') }
}

/** Starts to download, and holds it after the first bytes. */
function download(url: string, headers: Record<string, string>) {
  return new Promise<{ rest: () => Promise<Buffer>; leave: () => void }>((resolve, reject) => {
    const get = request(url, { headers }, response => {
      const chunks: Buffer[] = []
      response.once('data', (first: Buffer) => {
        chunks.push(first)
        response.pause()
        resolve({
          leave: () => get.destroy(),
          rest: () =>
            new Promise((done, failed) => {
              response.on('data', (chunk: Buffer) => chunks.push(chunk))
              response.on('end', () => done(Buffer.concat(chunks)))
              response.on('error', failed)
              response.resume()
            }),
        })
      })
    })
    get.on('error', reject)
    get.end()
  })
}

describe.each(['deno', 'node'] as const)('on %s', runtime => {
  test('a server finishes its answers on SIGTERM, exits with 0 and gives its data folder back', async () => {
    const service = await startService(runtime, newFolder(), variables(idp))
    const { bytes, headers } = await withLong(service)
    const { rest } = await download(`${service.url}/recordings/long`, headers)
    service.kill('SIGTERM')
    await sleep(300)
    expect((await rest()).equals(bytes)).toBe(true)
    expect(await service.ended).toBe(0)
    await expect(fetch(`${service.url}/healthz`)).rejects.toThrow()
    // Nothing waits in a write-ahead log, and the folder can be taken at once.
    expect(readdirSync(service.data).sort()).toEqual([
      'archive',
      'control.sqlite',
      'ledger.sqlite',
      'lock',
      'overflow.sqlite',
      'recordings',
    ])
    const again = await startService(runtime, service.data, variables(idp))
    const played = await fetch(`${again.url}/recordings/long`, { headers })
    expect((await played.arrayBuffer()).byteLength).toBe(SIZE)
    again.kill('SIGTERM')
    expect(await again.ended).toBe(0)
  })

  test('a server with an open stream of the log ends it on SIGTERM, and exits within three seconds', async () => {
    const service = await startService(runtime, newFolder(), variables(idp))
    const headers = {
      ...(await idp.bearer('analyst-1', { roles: ['security'] })),
      Accept: 'text/event-stream',
    }
    const open = () => fetch(`${service.url}/console/api/records`, { headers })
    const streams = await Promise.all([open(), open()])
    // One waits for records when the server stops, the other is not read at all.
    const rest = streams[0]?.text()
    const silent = connect(Number(new URL(service.url).port), '127.0.0.1')
    silent.on('error', () => {})
    await sleep(500)
    const began = performance.now()
    service.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(await rest).toMatch(/^retry: \d+\n/)
    await streams[1]?.body?.cancel()
    silent.destroy()
  })

  test('a server that gets SIGTERM under a load of refusals loses no record', async () => {
    const service = await startService(runtime, newFolder(), variables(idp))
    const login = await idp.bearer('patient-2')
    const received: string[] = []
    const agent = new Agent({ keepAlive: true })
    const client = async (number: number): Promise<void> => {
      const headers = number % 4 === 0 ? {} : login
      for (;;) {
        const body = await new Promise<string | undefined>(resolve => {
          request(`${service.url}/recordings/long`, { agent, headers }, response => {
            let text = ''
            response.on('data', chunk => {
              text += chunk
            })
            response.on('end', () => resolve(response.complete ? text : undefined))
            response.on('error', () => resolve(undefined))
          })
            .on('error', () => resolve(undefined))
            .end()
        })
        if (body === undefined) return
        received.push((JSON.parse(body) as { instance: string }).instance.slice('urn:uuid:'.length))
      }
    }
    const load = Promise.all(Array.from({ length: 16 }, (_, number) => client(number)))
    while (received.length < 300) await sleep(5)
    service.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    agent.destroy()
    await load
    const ids = recorded(service.data)
    expect(received.filter(id => !ids.has(id))).toEqual([])
  })

  test('a server with a mistake in its variables exits with 2 before it serves, and says how to fix it', async () => {
    const data = newFolder()
    const start = (more: Record<string, string>) =>
      startService(runtime, data, { ...variables(idp), ...more })
    await expect(start({ DATA_DIR: '' })).rejects.toThrow(
      /^ended with 2: Mediaward can't start:\n {2}- DATA_DIR \(data\) is missing: it must name a folder/,
    )
    await expect(start({ PSEUDONYM_KEY: 'short' })).rejects.toThrow(
      /ended with 2: .*\n.*PSEUDONYM_KEY.*openssl/,
    )
    await expect(start({ ADDRESS_HEADER: 'X Real IP' })).rejects.toThrow(
      /ADDRESS_HEADER \(addressHeader\) must be the name/,
    )
    await expect(start({ S3_ENDPOINT: 'http://bucket.example' })).rejects.toThrow(
      /S3_ENDPOINT[\s\S]*S3_BUCKET/,
    )
    await expect(start({ PSEUDONYM_KEY: '' })).rejects.not.toThrow(/\n\s+at /)
    expect(readdirSync(data)).toEqual([])
  })

  test('a server whose port is taken says so in one line, and exits with 1', async () => {
    const service = await startService('node', newFolder(), variables(idp))
    const { port } = new URL(service.url)
    const ended = await startService(runtime, newFolder(), { ...variables(idp), PORT: port }).then(
      () => 'serves',
      (error: Error) => error.message,
    )
    const taken =
      runtime === 'node'
        ? `port ${port} of 127.0.0.1 is taken: set PORT to another one`
        : 'the port that --port names (8000 without it) is taken: name another address, as in "deno serve --host 127.0.0.1 --port 8788 …"'
    expect(ended).toBe(`ended with 1: ${taken}\n`)
    service.kill('SIGKILL')
    await service.ended
  })

  test('a server does not start on a data folder that another process uses', async () => {
    const service = await startService(runtime, newFolder(), variables(idp))
    for (const other of ['deno', 'node'] as const) {
      const second = startService(other, service.data, variables(idp))
      await expect(second).rejects.toThrow(/ended with 2: [\s\S]*in use by another process: stop it/)
    }
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200)
    service.kill('SIGKILL')
    await service.ended
  })

  test('a server leaves no file open for viewers who left or for answers without a body', async () => {
    const service = await startService(runtime, newFolder(), variables(idp))
    const { headers } = await withLong(service)
    const stranger = await idp.bearer('patient-2')
    const open = () =>
      readdirSync(`/proc/${service.pid}/fd`).filter(descriptor => {
        try {
          return readlinkSync(`/proc/${service.pid}/fd/${descriptor}`).includes('/recordings/')
        } catch {
          return false
        }
      }).length
    for (let i = 0; i < 5; i++) {
      const all = await Promise.all(
        Array.from({ length: 8 }, () => download(`${service.url}/recordings/long`, headers)),
      )
      await fetch(`${service.url}/recordings/long`, { headers: stranger })
      await fetch(`${service.url}/recordings/long`, { method: 'HEAD', headers })
      await fetch(`${service.url}/recordings/long`, { headers: { ...headers, 'If-None-Match': '*' } })
      expect(open()).toBeGreaterThan(0)
      for (const { leave } of all) leave()
    }
    const latest = Date.now() + 15_000
    while (open() > 0 && Date.now() < latest) await sleep(100)
    expect(open()).toBe(0)
    service.kill('SIGTERM')
    await service.ended
  })

  test('a recording whose file is truncated breaks off and then gets 503, while another plays', async () => {
    const service = await startService(runtime, newFolder(), variables(idp))
    const { headers } = await withLong(service)
    await store(
      { url: service.url } as RunningGate,
      idp,
      '/recordings/other',
      'patient-1',
      'another recording',
    )
    const { rest } = await download(`${service.url}/recordings/long`, headers)
    const folder = join(service.data, 'recordings/recordings')
    const file = readdirSync(folder).find(name => /^long@[0-9a-f]{32}$/.test(name)) ?? ''
    truncateSync(join(folder, file), 1000)
    await expect(rest()).rejects.toThrow(/aborted|ECONNRESET/)
    expect(await (await fetch(`${service.url}/recordings/other`, { headers })).text()).toBe(
      'another recording',
    )
    // Asked for again, it is a fault of ours, recorded, and the operator reads how to fix it.
    const response = await fetch(`${service.url}/recordings/long`, { headers })
    expect(response.status).toBe(503)
    const events = await denials({ url: service.url } as RunningGate, idp)
    expect(events.map(({ reason }) => reason)).toContain('store_unavailable')
    expect(service.said()).toMatch(
      /store_unavailable, event [0-9a-f-]{36}: the file of a recording is not as long/,
    )
    expect(service.said()).not.toContain(service.data)
    service.kill('SIGTERM')
    await service.ended
  })

  test('a record has the address of the connection, unless ADDRESS_HEADER names the header of a proxy', async () => {
    const prefixOf = async (more: Record<string, string>, headers: Record<string, string>) => {
      const service = await startService(runtime, newFolder(), { ...variables(idp), ...more })
      await fetch(`${service.url}/recordings/none`, { headers })
      const [event] = await denials({ url: service.url } as RunningGate, idp)
      service.kill('SIGTERM')
      await service.ended
      return event?.net?.prefix
    }
    const forged = { 'X-Real-IP': '198.51.100.7', 'X-Forwarded-For': '203.0.113.9, 198.51.100.7' }
    expect(await prefixOf({}, forged)).toBe('127.0.0.0/24')
    expect(await prefixOf({ ADDRESS_HEADER: 'X-Real-IP' }, forged)).toBe('198.51.100.0/24')
    expect(await prefixOf({ ADDRESS_HEADER: 'X-Forwarded-For' }, forged)).toBe('198.51.100.0/24')
    expect(await prefixOf({ ADDRESS_HEADER: 'X-Real-IP' }, { 'X-Real-IP': 'patient-1' })).toBeUndefined()
  })
})
