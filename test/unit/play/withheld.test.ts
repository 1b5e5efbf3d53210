import { expect, test } from 'vitest'
import { BytesUnavailable } from '../../../src/recordings/recording-store.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { memoryGate } from '../../support/memory-gate.ts'
import { storeWith } from '../../support/store-with.ts'

// Whatever is wrong with the bytes of a recording, whose it is decides first.

const faults: Readonly<Record<string, unknown>> = {
  'bytes that are kept back': new BytesUnavailable(new Error('archived')),
  'a fault of the store': new Error('S3 answered 500'),
  'a fault without an error': undefined,
}

test.each(Object.entries(faults))(
  '%s shows another patient no more than a recording that does not exist',
  async (_, fault) => {
    const store = storeWith(createMemoryStore(), { open: async () => Promise.reject(fault) })
    const gate = await memoryGate({ store })
    expect((await gate.ask('patient-2', '/recordings/rec-1')).status).toBe(404)
    expect((await gate.ask('patient-1', '/recordings/rec-1')).status).toBe(503)
  },
)

test.each(Object.entries(faults))(
  '%s at the first read is overcome by opening the recording again after the permit',
  async (_, fault) => {
    const memory = createMemoryStore()
    let opened = 0
    const store = storeWith(memory, {
      open: async (...asked) => {
        opened += 1
        return opened === 1 ? Promise.reject(fault) : memory.open(...asked)
      },
    })
    const gate = await memoryGate({ store })
    const response = await gate.ask('patient-1', '/recordings/rec-1', { headers: { range: 'bytes=1-9' } })
    expect(response.status).toBe(206)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(gate.bytes.subarray(1, 10))
  },
)
