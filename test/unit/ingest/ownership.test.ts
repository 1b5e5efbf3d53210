import { beforeEach, describe, expect, test } from 'vitest'
import type { Containment } from '../../../src/control/containment.ts'
import { Bindings } from '../../../src/ingest/bindings.ts'
import type { Deposit, IngestServices } from '../../../src/ingest/deposit.ts'
import { checkExisting, claimOwner, requireClaim } from '../../../src/ingest/ownership.ts'
import type { BindingFacts } from '../../../src/ledger/event.ts'
import type { Recorder } from '../../../src/ledger/recorder.ts'
import { Claims } from '../../../src/recordings/claims.ts'
import { agreeing, type OwnerSource, Owners } from '../../../src/recordings/owner-source.ts'
import type { ObjectRef, Ownership } from '../../../src/recordings/recording.ts'
import { DamagedPart, NameTaken, type RecordingStore } from '../../../src/recordings/recording-store.ts'
import { Fault, Refusal } from '../../../src/refusal.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { contextOf } from '../../support/context.ts'
import { createIssuer } from '../../support/issuer.ts'
import { memoryGate } from '../../support/memory-gate.ts'
import { storeWith } from '../../support/store-with.ts'

const ISSUER = 'https://login.clinic.test/'
const REF: ObjectRef = { recording: 'rec-1', key: 'recordings/rec-1' }
const NORTH: Ownership = { owner: 'patient-1', issuer: ISSUER, tenant: 'north' }
const OTHERS: readonly (readonly [string, Ownership])[] = [
  ['another id', { ...NORTH, owner: 'patient-2' }],
  ['another issuer', { ...NORTH, issuer: 'https://other.clinic.test/' }],
  ['another tenant', { ...NORTH, tenant: 'south' }],
  ['no tenant', { owner: 'patient-1', issuer: ISSUER }],
]
const BOUND = 'This recording is bound to another owner or tenant: store under a new id'
const broken = () => Promise.reject(new Error('down'))

let store: RecordingStore
let record: Recorder
let bound: BindingFacts[]
beforeEach(() => {
  store = createMemoryStore()
  bound = []
  record = async (_, facts) => {
    if (facts.kind === 'binding') bound.push(facts)
    return ''
  }
})

interface Facts {
  readonly headers?: Record<string, string>
  readonly defaultIssuer?: string | undefined
  readonly source?: OwnerSource
}
/** A request to store `rec-1` for patient-1 of the tenant north, if nothing else is said. */
function deposit(ownership = NORTH, { headers = {}, source, ...facts }: Facts = {}): Deposit {
  const defaultIssuer = 'defaultIssuer' in facts ? facts.defaultIssuer : ISSUER
  const services: IngestServices = {
    ...{
      store,
      defaultIssuer,
      issuers: { owning: new Set<string>(), ownerId: (_: string, id: string) => id },
      locations: [],
      publicUrl: undefined,
    },
    owners: new Owners(source, defaultIssuer),
    containment: {} as Containment,
    claims: new Claims(store, defaultIssuer),
    bindings: new Bindings(record, () => 0),
    keyPrefixes: recording => [`recordings/${recording}`, `recordings/${recording}/`],
    bodyTimeouts: { json: 1000, upload: 1000 },
  }
  const request = new Request('https://gate.test/recordings/rec-1', { method: 'PUT', headers })
  return { context: contextOf({ request }), ref: REF, ownership, services }
}
async function put(ownership: Ownership, key = REF.key): Promise<string> {
  const facts = { size: 1, contentType: 'video/mp4', ownership, replaces: null }
  return (await store.put(key, new Blob(['x']).stream(), facts))?.etag ?? ''
}
const claimed = () => new Claims(store, ISSUER).find('rec-1')
const conflict = (detail = BOUND) => new Refusal('binding_conflict', detail)

describe('checkExisting', () => {
  test('looking for a part that does not exist finds nothing, and claims nothing', async () => {
    expect(await checkExisting(deposit())).toBeNull()
    expect(await claimed()).toBeNull()
  })

  test('a part may be replaced for its own owner', async () => {
    const etag = await put({ ...NORTH, consultation: 'c-1' })
    expect(await checkExisting(deposit())).toMatchObject({ etag, size: 1 })
  })

  test.each(OTHERS)(
    'a part may not be replaced for an owner with %s, and the record names the owner it has',
    async (_, other) => {
      await put(NORTH)
      const theirs = deposit(other)
      expect(await checkExisting(theirs)).toEqual(conflict())
      expect(theirs.context.ownership).toEqual(NORTH)
    },
  )

  test('a stamp without an issuer is of the only issuer, and names no owner if there are several', async () => {
    const { issuer: _, ...unissued } = NORTH
    const etag = await put(unissued)
    expect(await checkExisting(deposit())).toMatchObject({ etag })
    const refusal = await checkExisting(deposit(NORTH, { defaultIssuer: undefined }))
    expect(refusal).toMatchObject({ reason: 'binding_conflict', detail: expect.stringContaining('no owner') })
  })

  test('the record of a conflict names the owner of a stamp without an issuer', async () => {
    await put({ owner: 'patient-2', tenant: 'north' })
    const request = deposit()
    expect(await checkExisting(request)).toEqual(conflict())
    expect(request.context.ownership).toEqual({ owner: 'patient-2', tenant: 'north', issuer: ISSUER })
  })

  test('a part that is stamped without an owner may not be replaced', async () => {
    await put({})
    expect(await checkExisting(deposit())).toMatchObject({
      reason: 'binding_conflict',
      detail: expect.stringContaining('no owner'),
    })
  })

  test('a failed precondition ends a request to store, but a conflict of owners is refused before it', async () => {
    const headers = { 'if-none-match': '*' }
    expect(await checkExisting(deposit(NORTH, { headers }))).toBeNull()
    await put(NORTH)
    const failed = await checkExisting(deposit(NORTH, { headers }))
    expect(failed).toMatchObject({ status: 412, body: null })
    expect(await checkExisting(deposit(OTHERS[0]?.[1], { headers }))).toEqual(conflict())
  })

  test.each(OTHERS)(
    'a part may not be stored if the owner source names an owner with %s',
    async (_, other) => {
      const source = { ownersOf: () => [other] }
      expect(await checkExisting(deposit(NORTH, { source }))).toEqual(conflict())
    },
  )

  test('a part may not be stored if the owner sources disagree', async () => {
    const source = agreeing(
      async () => NORTH,
      async () => ({ ...NORTH, owner: 'patient-2' }),
    )
    expect(await checkExisting(deposit(NORTH, { source }))).toEqual(conflict())
  })

  test('a part may be stored if the owner source knows no owner yet', async () => {
    expect(await checkExisting(deposit(NORTH, { source: { ownersOf: () => [{}] } }))).toBeNull()
  })

  test('a damaged part is a fault, and so is a store that fails', async () => {
    const fault = new Error('the facts are cut short')
    store = storeWith(store, { find: async () => new DamagedPart(fault, NORTH) })
    const damaged = await checkExisting(deposit()).catch(error => error)
    expect([damaged, damaged.reason, damaged.cause]).toEqual([expect.any(Fault), 'store_unavailable', fault])
    store = storeWith(store, { find: broken })
    await expect(checkExisting(deposit())).rejects.toThrow('store_unavailable')
  })
})

describe('claimOwner', () => {
  test('a claim binds a recording to its owner, who may claim it again', async () => {
    for (let time = 0; time < 2; time += 1) expect(await claimOwner(deposit())).toBeUndefined()
    expect(await claimed()).toEqual(NORTH)
  })

  test.each(OTHERS)(
    'a bound recording can not be claimed for an owner with %s, and its claim stays as it is',
    async (_, other) => {
      await claimOwner(deposit())
      const theirs = deposit(other)
      expect(await claimOwner(theirs)).toEqual(conflict())
      expect(theirs.context.ownership).toEqual(NORTH)
      expect(await claimed()).toEqual(NORTH)
    },
  )

  test('a claim binds a recording to the owner whom any of its parts is stamped with', async () => {
    await put(NORTH, 'recordings/rec-1/a.ts')
    expect(await claimOwner(deposit({ ...NORTH, owner: 'patient-2' }))).toEqual(conflict())
    expect(await claimed()).toEqual(NORTH)
  })

  test('a claim binds nothing if what is stored has no owner', async () => {
    await put({})
    expect(await claimOwner(deposit())).toMatchObject({
      reason: 'binding_conflict',
      detail: expect.stringContaining('no owner'),
    })
    expect(await claimed()).toBeNull()
  })

  test('a claim is a conflict if the store takes the name for that of another recording', async () => {
    store = storeWith(store, { put: () => Promise.reject(new NameTaken()) })
    expect(await claimOwner(deposit())).toMatchObject({ reason: 'upload_conflict' })
  })

  test('a claim is a fault if the store fails', async () => {
    store = storeWith(store, { put: broken })
    await expect(claimOwner(deposit())).rejects.toThrow('store_unavailable')
  })
})

describe('requireClaim', () => {
  test('an upload goes on for the owner whom its recording is bound to', async () => {
    await claimOwner(deposit())
    expect(await requireClaim(deposit())).toBeUndefined()
  })

  test('an upload does not go on if its recording is not bound, and binds nothing', async () => {
    await put(NORTH)
    expect(await requireClaim(deposit())).toMatchObject({ reason: 'upload_conflict' })
    expect(await claimed()).toBeNull()
  })

  test.each(OTHERS)('an upload does not go on for an owner with %s', async (_, other) => {
    await claimOwner(deposit())
    const theirs = deposit(other)
    expect(await requireClaim(theirs)).toEqual(conflict())
    expect(theirs.context.ownership).toEqual(NORTH)
  })

  test('an upload does not go on if its claim names no issuer and there are several', async () => {
    const { issuer: _, ...unissued } = NORTH
    await put(unissued, '.mediaward/bindings/rec-1')
    expect(await requireClaim(deposit())).toBeUndefined()
    const several = deposit(NORTH, { defaultIssuer: undefined })
    expect(await requireClaim(several)).toMatchObject({ reason: 'upload_conflict' })
  })

  test('an upload that goes on is a fault if the store fails', async () => {
    store = storeWith(store, { find: broken })
    await expect(requireClaim(deposit())).rejects.toThrow('store_unavailable')
  })
})

test('a recorder of another tenant can neither store under a recording, nor go on with its upload', async () => {
  const idp = await createIssuer(ISSUER)
  const gate = await memoryGate({ store, issuers: [idp.entry({ tenant_claim: 'org' })] }, idp)
  const send = (org: string, method: string, path: string, headers = {}, body?: string) =>
    gate.ask('recorder-1', `/recordings/rec-9${path}`, {
      method,
      claims: { roles: ['recorder'], org },
      headers: { 'mediaward-owner': 'patient-1', ...headers },
      ...(body && { body }),
    })
  const begun = await send('north', 'POST', '/upload', { 'mediaward-upload-size': '3' })
  const { upload } = (await begun.json()) as { upload: string }
  const named = { 'mediaward-upload': upload }
  const range = { ...named, 'content-range': 'bytes 0-2/3', 'content-length': '3' }
  const sent = await send('north', 'PUT', '', range, 'new')
  const { piece } = (await sent.json()) as { piece: string }
  const json = { ...named, 'content-type': 'application/json' }
  const whole = JSON.stringify({ size: 3, pieces: [piece] })

  const refused = [
    await send('south', 'PUT', '', { 'content-length': '3' }, 'new'),
    await send('south', 'POST', '/upload', { 'mediaward-upload-size': '3' }),
    await send('south', 'PUT', '', range, 'new'),
    await send('south', 'POST', '/upload', json, whole),
  ]
  expect(refused.map(({ status }) => status)).toEqual([409, 409, 409, 409])
  expect(await gate.events('access')).toMatchObject(
    refused.map(() => ({ reason: 'binding_conflict', tenant: 'south', recording_tenant: 'north' })),
  )
  expect((await send('north', 'POST', '/upload', json, whole)).status).toBe(201)
})
