import { mkdtempSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Serving, serve } from '../../src/runtime/node/index.ts'
import { createIssuer, variables } from '../support/gate-client.ts'

// How long Node's server keeps connections on which nothing comes. Deno's keeps them all: docs/one-machine.md.

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'mediaward-'))
const REQUEST = 'GET /healthz HTTP/1.1\r\nHost: gate.test\r\n\r\n'

async function serving(...times: [{ head: number; idle: number }] | []): Promise<Serving> {
  return serve({ ...variables(await createIssuer()), DATA_DIR: newFolder(), PORT: '0' }, ...times)
}

/** Sends texts, with a pause after each; resolves to what came until the server hung up, and when that was. */
function talk(
  url: string,
  texts: readonly string[],
  pause: number,
): Promise<{ said: string; after: number }> {
  return new Promise((resolve, reject) => {
    const began = Date.now()
    let said = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', async () => {
      for (const text of texts) {
        socket.write(text)
        await sleep(pause)
      }
    })
    socket.on('data', chunk => {
      said += chunk.toString()
    })
    socket.on('end', () => resolve({ said, after: Date.now() - began }))
    socket.on('error', reject)
  })
}

test('the server of Node answers silent and half-sent connections with 408, and keeps idle ones longer', async () => {
  const { url, stop } = await serving({ head: 500, idle: 3000 })
  const [silent, half, idle] = await Promise.all([
    talk(url, [], 0),
    talk(url, [REQUEST.slice(0, -8)], 0),
    talk(url, [REQUEST, REQUEST], 2000),
  ])
  for (const { said, after } of [silent, half]) {
    expect(said).toMatch(/^HTTP\/1\.1 408 /)
    expect(after).toBeLessThan(2500)
  }
  expect(idle.said.match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
  expect(idle.after).toBeGreaterThan(5000)
  await stop()
})

test('the server of Node announces that it keeps idle connections for 75 seconds', async () => {
  const { url, stop } = await serving()
  const agent = new Agent({ keepAlive: true })
  const header = await new Promise<unknown>((resolve, reject) => {
    request(`${url}/healthz`, { agent }, response => {
      response.resume()
      resolve(response.headers['keep-alive'])
    })
      .on('error', reject)
      .end()
  })
  agent.destroy()
  expect(header).toBe('timeout=75')
  await stop()
})
