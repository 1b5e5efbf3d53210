import { expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { memoryGate } from '../../support/memory-gate.ts'
import { storeWith } from '../../support/store-with.ts'

test('an object is not read whole for its first bytes if the store ignores ranges', async () => {
  const idp = await createIssuer()
  const memory = createMemoryStore()
  const bytes = new Uint8Array(1024 * 1024)
  await memory.put('recordings/set/untold', new Blob([bytes]).stream(), {
    size: bytes.length,
    contentType: 'application/octet-stream',
    ownership: { owner: 'patient-1', issuer: idp.issuer },
    replaces: null,
  })
  let cancelled = 0
  let pulled = 0
  const store = storeWith(memory, {
    async open(key) {
      const opened = await memory.open(key)
      if (opened === null || !key.endsWith('untold')) return opened
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulled += 1
            controller.enqueue(new Uint8Array(1024))
            if (pulled * 1024 >= bytes.length) controller.close()
          },
          cancel() {
            cancelled += 1
          },
        },
        { highWaterMark: 0 },
      )
      return { ...opened, body }
    },
  })
  const gate = await memoryGate({ store }, idp)
  expect((await gate.ask('patient-1', '/recordings/set/untold')).status).toBe(503)
  expect({ pulled, cancelled }).toEqual({ pulled: 0, cancelled: 2 })
})
