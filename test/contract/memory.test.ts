import { expect, test } from 'vitest'
import { createMemoryArchive } from '../../src/archive/archive-store.ts'
import { createMemoryStates } from '../../src/follow/states.ts'
import { createMemoryLedger, createMemorySpool, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { archiveStoreContract } from './archive-store.ts'
import { controlContract } from './control.ts'
import { withMemoryControl } from './control-trials.ts'
import { followerStatesContract } from './follower-states.ts'
import { ledgerContract } from './ledger.ts'
import { recordingStoreContract } from './recording-store.ts'
import { spoolContract } from './spool.ts'

recordingStoreContract('memory', createMemoryStore)
ledgerContract('memory', createMemoryLedger)
followerStatesContract('memory', work => work(createMemoryStates()))
controlContract('memory', withMemoryControl)
spoolContract('memory', createMemorySpool)

test('a store in memory reads no further than the first byte that is too many', async () => {
  let read = 0
  async function* chunks(): AsyncIterable<Uint8Array> {
    for (; read < 100; read++) yield new Uint8Array(10)
  }
  const options = { size: 25, contentType: 'video/mp4', ownership: { owner: 'patient-1' }, replaces: null }
  await expect(createMemoryStore().put('recordings/a', chunks(), options)).rejects.toThrow('more than the 25')
  expect(read).toBe(2)
})
archiveStoreContract('memory', createMemoryArchive)
