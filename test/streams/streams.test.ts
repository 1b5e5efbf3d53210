import { request } from 'node:http'
import { importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issuer, PRIVATE_KEY } from '../workerd/issuer.ts'
import { RUNTIMES, type RunningApp, startApp } from './start-app.ts'

// What becomes of a body on its way: where it fails, where its reader leaves, where its reader is slow. Runtimes differ
// in how they stream; what a client and a store see of it must not.

/** What sockets and runtimes may hold of a body that nobody takes, in bytes; the body has 256 MiB. */
const IN_BETWEEN = 16 * 2 ** 20

describe.each(RUNTIMES)('on %s', runtime => {
  let running: RunningApp
  let url: string
  let authorization: string

  beforeAll(async () => {
    running = await startApp(runtime, 'app.ts')
    url = running.url
    const token = await new SignJWT({ sub: 'patient-1' })
      .setProtectedHeader({ alg: 'ES256', kid: 'workerd' })
      .setIssuer(issuer.issuer)
      .setAudience('recordings')
      .setExpirationTime('5m')
      .sign(await importJWK(PRIVATE_KEY, 'ES256'))
    authorization = `Bearer ${token}`
  })
  afterAll(() => running.stop())

  /** Takes at least so many bytes, then does what it is told with the connection. */
  function take(name: string, bytes: number, then: 'leave' | 'stall'): Promise<() => void> {
    return new Promise((resolve, reject) => {
      let received = 0
      const get = request(`${url}/recordings/${name}`, { headers: { authorization } }, response => {
        response.on('data', (chunk: Buffer) => {
          received += chunk.length
          if (received < bytes) return
          if (then === 'leave') get.destroy()
          else response.pause()
          resolve(() => get.destroy())
        })
        response.on('error', () => {})
      })
      get.on('error', reject)
      get.end()
    })
  }

  async function bodyOf(name: string): Promise<{ pulled: number; cancelled: boolean }> {
    return (await (await fetch(`${url}/bodies/${name}`)).json()) as { pulled: number; cancelled: boolean }
  }

  async function until(condition: () => Promise<boolean>): Promise<void> {
    const latest = Date.now() + 10_000
    while (!(await condition())) {
      if (Date.now() > latest) throw new Error('it did not come to it')
      await new Promise(resolve => setTimeout(resolve, 25))
    }
  }

  test('a body that fails ends as a broken connection, not as a whole recording, and reveals no error', async () => {
    const response = await fetch(`${url}/recordings/failing`, { headers: { authorization } })
    expect(response.status).toBe(200)
    let text = ''
    let failed = false
    try {
      for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk)
    } catch {
      failed = true
    }
    expect(failed).toBe(true)
    expect(text.length).toBeLessThanOrEqual(8 * 64 * 1024)
    expect(text).not.toContain('disk')
  })

  test('a store learns that a viewer left, and is asked for no more bytes', async () => {
    await take('left', 200_000, 'leave')
    await until(async () => (await bodyOf('left')).cancelled)
    const { pulled } = await bodyOf('left')
    await new Promise(resolve => setTimeout(resolve, 200))
    expect((await bodyOf('left')).pulled).toBe(pulled)
    expect(pulled).toBeLessThan(IN_BETWEEN)
  })

  test('a store is asked for no more bytes than a slow viewer takes', async () => {
    const leave = await take('slow', 100_000, 'stall')
    let before = -1
    await until(async () => {
      const { pulled } = await bodyOf('slow')
      const still = pulled === before
      before = pulled
      await new Promise(resolve => setTimeout(resolve, 300))
      return still
    })
    expect(before).toBeLessThan(IN_BETWEEN)
    leave()
    await until(async () => (await bodyOf('slow')).cancelled)
  })
})
