import { beforeEach, describe, expect, test } from 'vitest'
import { agreeing, type Ledger, type RecordingStore, stampedOwners } from '../../../src/index.ts'
import { Claims } from '../../../src/recordings/claims.ts'
import { createMemoryLedger, createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { storeWith } from '../../support/store-with.ts'

let store: RecordingStore
let gate: MemoryGate
beforeEach(async () => {
  store = createMemoryStore()
  gate = await memoryGate({ store })
})

const upload = (path: string, owner = 'patient-1', by = gate) =>
  by.ask('recorder-1', `/recordings/${path}`, {
    method: 'PUT',
    body: 'x',
    claims: { roles: ['recorder'] },
    headers: { 'content-length': '1', 'mediaward-owner': owner },
  })
const bindings = (by = gate) => by.events('binding')
const stamp = (key: string, ownership: object) =>
  store.put(key, new Blob(['x']).stream(), { size: 1, contentType: 'video/mp4', ownership, replaces: null })
/** The pseudonym of a patient, as the records of that patient have it. */
const pseudonymOf = async (who: string) => {
  await gate.ask(who, '/recordings/none')
  return (await gate.events('access')).at(-1)?.subject
}

describe('a binding', () => {
  test('is on record with its owner, the recorder and the source, when the first part is stored', async () => {
    expect((await upload('rec-2/a.ts')).status).toBe(201)
    expect(await bindings()).toMatchObject([
      {
        decision: 'permit',
        action: 'bound',
        source: 'upload',
        recording: 'rec-2',
        part: 'a.ts',
        owner: await pseudonymOf('patient-1'),
        subject: await pseudonymOf('recorder-1'),
        issuer: gate.idp.issuer,
        roles: ['recorder'],
      },
    ])
  })

  test('is recorded once for all parts of a recording, also if they come at once', async () => {
    const parts = Array.from({ length: 12 }, (_, i) => `rec-2/${i}.ts`)
    await Promise.all(parts.map(part => upload(part)))
    for (let i = 12; i < 20; i++) expect((await upload(`rec-2/${i}.ts`)).status).toBe(201)
    expect(await bindings()).toHaveLength(1)
  })

  test('is recorded when an upload in pieces begins, and not by what follows', async () => {
    const send = (method: string, path: string, headers: Record<string, string>, body?: string) =>
      gate.ask('recorder-1', `/recordings/rec-2${path}`, {
        method,
        claims: { roles: ['recorder'] },
        headers: { 'mediaward-owner': 'patient-1', ...headers },
        ...(body !== undefined && { body }),
      })
    const begun = await send('POST', '/upload', { 'mediaward-upload-size': '3' })
    const named = { 'mediaward-upload': ((await begun.json()) as { upload: string }).upload }
    const range = { 'content-range': 'bytes 0-2/3', 'content-length': '3' }
    const { piece } = (await (await send('PUT', '', { ...named, ...range }, 'new')).json()) as {
      piece: string
    }
    const whole = JSON.stringify({ size: 3, pieces: [piece] })
    const json = { 'content-type': 'application/json' }
    expect((await send('POST', '/upload', { ...named, ...json }, whole)).status).toBe(201)
    expect(await bindings()).toHaveLength(1)
  })

  test('is recorded again if its claim was removed by other means, so that the log shows another owner', async () => {
    await upload('rec-2')
    // What an operator does in the bucket.
    const emptied = await memoryGate({ ledger: gate.ledger }, gate.idp)
    await upload('rec-2', 'patient-2', emptied)
    const owners = (await bindings()).map(({ owner, action }) => [owner, action])
    expect(owners).toEqual([
      [await pseudonymOf('patient-1'), 'bound'],
      [await pseudonymOf('patient-2'), 'bound'],
    ])
  })

  test('to the owner whom a stored object is stamped with says so, even if the upload is for another one', async () => {
    await stamp('recordings/rec-2/a.ts', { owner: 'patient-2', issuer: gate.idp.issuer })
    expect((await upload('rec-2/b.ts')).status).toBe(409)
    const owner = await pseudonymOf('patient-2')
    expect(await bindings()).toMatchObject([{ action: 'bound', source: 'object', owner }])
    expect((await gate.events('access'))[0]).toMatchObject({
      reason: 'binding_conflict',
      conflict: 'claim',
      owner,
    })
  })

  test.each([
    ['the same owner without an issuer', { owner: 'patient-1' }, 'same_owner'],
    ['another owner without an issuer', { owner: 'patient-2' }, 'other_owner'],
    ['no owner', {}, 'no_owner'],
  ])('that replaces one with %s says so', async (_, ownership, previous) => {
    await stamp('.mediaward/bindings/rec-2', ownership)
    const several = await memoryGate(
      {
        store: storeWith(store, {
          put: (key, ...rest) =>
            key === 'recordings/rec-1' ? Promise.resolve(null) : store.put(key, ...rest),
        }),
        issuers: [
          gate.idp.entry({ allowed_roles: ['recorder'] }),
          gate.idp.entry({ issuer: 'https://other.test/', audience: 'b' }),
        ],
      },
      gate.idp,
    )
    expect((await upload('rec-2', 'patient-1', several)).status).toBe(201)
    expect(await bindings(several)).toMatchObject([{ action: 'bound_again', source: 'upload', previous }])
  })

  test('that is refused is not recorded', async () => {
    expect((await upload('rec-1', 'patient-2')).status).toBe(409)
    expect((await gate.ask('patient-1', '/recordings/rec-2', { method: 'PUT' })).status).toBe(404)
    expect(await bindings()).toEqual([])
  })
})

describe('no binding without a record', () => {
  test('the record is durable before the claim is written', async () => {
    const steps: string[] = []
    const memory = createMemoryLedger()
    const append: Ledger['append'] = async entries => {
      const isBinding = entries.some(({ json }) => json.includes('"binding"'))
      if (isBinding) await new Promise(resolve => setTimeout(resolve, 30))
      const outcomes = await memory.append(entries)
      if (isBinding) steps.push('recorded')
      return outcomes
    }
    const watched = storeWith(store, {
      put: (key, ...rest) => {
        if (!key.endsWith('rec-1')) steps.push(key)
        return store.put(key, ...rest)
      },
    })
    const slow = await memoryGate({ ledger: { ...memory, append }, store: watched })
    expect((await upload('rec-2', 'patient-1', slow)).status).toBe(201)
    expect(steps).toEqual(['recorded', '.mediaward/bindings/rec-2', 'recordings/rec-2'])
  })

  test('a recording is not bound while no store takes the record, and is once one does', async () => {
    const memory = createMemoryLedger()
    let isDown = true
    const append: Ledger['append'] = entries =>
      isDown ? Promise.reject(new Error('down')) : memory.append(entries)
    const failing = await memoryGate({ ledger: { ...memory, append }, store, onUnrecorded: () => {} })
    expect((await upload('rec-2', 'patient-1', failing)).status).toBe(503)
    expect(await new Claims(store).find('rec-2')).toBeNull()
    expect(await store.find('recordings/rec-2')).toBeNull()
    isDown = false
    expect((await upload('rec-2', 'patient-1', failing)).status).toBe(201)
    expect(await bindings(failing)).toHaveLength(1)
  })

  test('an upload does not wait over five seconds for a record that another one has begun', {
    timeout: 20_000,
  }, async () => {
    const memory = createMemoryLedger()
    const append: Ledger['append'] = entries =>
      entries.some(({ json }) => json.includes('"binding"')) ? new Promise(() => {}) : memory.append(entries)
    const hanging = await memoryGate({ ledger: { ...memory, append }, store })
    const began = performance.now()
    const both = await Promise.all([
      upload('rec-2/a', 'patient-1', hanging),
      upload('rec-2/b', 'patient-1', hanging),
    ])
    expect(both.map(({ status }) => status)).toEqual([503, 503])
    expect(performance.now() - began).toBeLessThan(7000)
    expect(await hanging.events('access')).toMatchObject(Array(2).fill({ reason: 'ledger_unavailable' }))
  })
})

describe('a refused conflict', () => {
  test('names whom the recorder named, whose the recording is, and what says so', async () => {
    await upload('rec-2/a.ts')
    await upload('rec-2/b.ts', 'patient-2')
    expect((await gate.events('access'))[0]).toMatchObject({
      reason: 'binding_conflict',
      conflict: 'claim',
      owner: await pseudonymOf('patient-1'),
      named: await pseudonymOf('patient-2'),
    })
  })

  test('with the stamp of the object in its place says so', async () => {
    await upload('rec-1', 'patient-2')
    expect(await gate.events('access')).toMatchObject([{ reason: 'binding_conflict', conflict: 'object' }])
  })

  test('with the owner source of the configuration says so', async () => {
    const owner = async () => ({ owner: 'patient-7' })
    const asked = await memoryGate({ owner }, gate.idp)
    await upload('rec-2', 'patient-1', asked)
    expect(await asked.events('access')).toMatchObject([
      {
        conflict: 'owner_source',
        owner: await pseudonymOf('patient-7'),
        named: await pseudonymOf('patient-1'),
      },
    ])
    expect(await bindings(asked)).toEqual([])
  })

  test('of sources that disagree is disputed, as are a view and an answer in a list then', async () => {
    const owner = agreeing(stampedOwners, async () => ({ owner: 'patient-7' }))
    const disputed = await memoryGate({ owner, publicUrl: 'https://gate.test' }, gate.idp)
    await upload('rec-2', 'patient-1', disputed)
    await disputed.ask('patient-1', '/recordings/rec-1')
    await disputed.ask('patient-1', '/access/v1/evaluation', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        subject: { type: 'user', id: 'patient-1' },
        action: { name: 'play' },
        resource: { type: 'recording', id: 'rec-1' },
      }),
    })
    expect(await disputed.events('access')).toMatchObject([
      { reason: 'binding_conflict', disputed: true, conflict: 'owner_source' },
      { reason: 'recording_unbound', disputed: true },
    ])
    expect(await disputed.events('listed')).toMatchObject([{ answers: [{ disputed: true }] }])
  })
})
