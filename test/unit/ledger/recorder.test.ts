import { beforeEach, expect, test } from 'vitest'
import type { AccessEvent, Ledger } from '../../../src/index.ts'
import { withSpool } from '../../../src/index.ts'
import { createMemoryLedger, createMemorySpool } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// When a refusal happened: when its request came is the caller's choice, when it was recorded is not.

let now: number
let down: boolean
let ledger: ReturnType<typeof withSpool>
let gate: MemoryGate
let authorization: string

beforeEach(async () => {
  now = Date.now()
  down = false
  const inner = createMemoryLedger()
  const fragile: Ledger = {
    ...inner,
    append: entries => (down ? Promise.reject(new Error('down')) : inner.append(entries)),
  }
  ledger = withSpool(fragile, createMemorySpool())
  gate = await memoryGate({ ledger, now: () => now })
  authorization = `Bearer ${await gate.idp.token('patient-9', { exp: Math.floor(now / 1000) + 90_000 })}`
})

/** Asks about somebody else, and holds the body back for so long. */
async function askSlowly(milliseconds: number): Promise<void> {
  const question = {
    subject: { type: 'user', id: 'patient-2' },
    action: { name: 'play' },
    resource: { type: 'recording', id: 'rec-1' },
  }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        now += milliseconds
        controller.enqueue(new TextEncoder().encode(JSON.stringify(question)))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const init = {
    method: 'POST',
    body,
    duplex: 'half',
    headers: { authorization, 'content-type': 'application/json' },
  } as RequestInit
  expect((await gate.fetch('/access/v1/evaluation', init)).status).toBe(404)
}
async function since(ago: number): Promise<AccessEvent[]> {
  const { entries } = await ledger.read({ limit: 9, since: new Date(now - ago).toISOString() })
  return entries.map(({ json }) => JSON.parse(json) as AccessEvent)
}
const idTime = ({ id }: AccessEvent): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16)

test('a caller that holds its body back can not hide its refusal from who asks for the last ones', async () => {
  const came = now
  await askSlowly(25_000)
  const [event] = await since(20_000)
  expect(event).toMatchObject({
    reason: 'role_missing',
    t: new Date(came).toISOString(),
    recorded: new Date(came + 25_000).toISOString(),
  })
  expect(event && idTime(event)).toBe(came + 25_000)
})

test('a record that waits in the overflow keeps the time at which it was first handed over', async () => {
  down = true
  await askSlowly(0)
  const recorded = now
  down = false
  now += 3_600_000
  await ledger.replay()
  now = recorded
  expect((await since(0)).map(event => event.recorded)).toEqual([new Date(recorded).toISOString()])
})
