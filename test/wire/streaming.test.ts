import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, store, type TestIssuer, variables } from '../support/gate-client.ts'

const SIZE = 64 * 2 ** 20
let gate: RunningGate
let idp: TestIssuer
let login: Record<string, string>
const bytes = new Uint8Array(SIZE)
for (let i = 0; i < SIZE; i += 4096) bytes[i] = i / 4096

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  login = await idp.bearer('patient-1')
  expect((await store(gate, idp, '/recordings/long', 'patient-1', bytes)).status).toBe(201)
})
afterAll(() => gate.stop())

const play = (headers: Record<string, string> = {}) =>
  fetch(`${gate.url}/recordings/long`, { headers: { ...login, ...headers } })

test('a long recording arrives whole, with its length', async () => {
  const response = await play()
  expect(response.headers.get('content-length')).toBe(String(SIZE))
  expect(response.headers.get('transfer-encoding')).toBeNull()
  const digest = createHash('sha256')
    .update(new Uint8Array(await response.arrayBuffer()))
    .digest('hex')
  expect(digest).toBe(createHash('sha256').update(bytes).digest('hex'))
})

test('adjacent ranges of a recording join to the whole', async () => {
  const cuts = [0, 1, 65_536, 1_000_003, 30_000_000, SIZE - 1, SIZE]
  const parts = await Promise.all(
    cuts.slice(1).map(async (end, i) => {
      const response = await play({ Range: `bytes=${cuts[i]}-${end - 1}` })
      expect(response.status).toBe(206)
      return new Uint8Array(await response.arrayBuffer())
    }),
  )
  expect(Buffer.concat(parts).equals(Buffer.from(bytes))).toBe(true)
})

test('the gate goes on to play after a hundred viewers left in the middle', async () => {
  const leave = () =>
    new Promise<void>(resolve => {
      const get = request(`${gate.url}/recordings/long`, { headers: login }, response => {
        response.once('data', () => {
          response.destroy()
          resolve()
        })
      })
      get.end()
    })
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, leave))
  const response = await play({ Range: 'bytes=0-99' })
  expect(response.status).toBe(206)
  expect((await response.arrayBuffer()).byteLength).toBe(100)
})

test('HEAD answers with the length of a recording and no bytes', async () => {
  const response = await fetch(`${gate.url}/recordings/long`, {
    method: 'HEAD',
    headers: login,
  })
  expect(response.headers.get('content-length')).toBe(String(SIZE))
  expect((await response.arrayBuffer()).byteLength).toBe(0)
})
