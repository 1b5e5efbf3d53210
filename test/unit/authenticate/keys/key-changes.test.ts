import { calculateJwkThumbprint, type JSONWebKeySet } from 'jose'
import { beforeEach, describe, expect, test } from 'vitest'
import { createKeyChangeRecorder, type KeyChange } from '../../../../src/authenticate/keys/key-changes.ts'
import { createKeySources } from '../../../../src/authenticate/keys/key-sources.ts'
import { REMOTE_KEYS } from '../../../../src/authenticate/keys/remote-keys.ts'
import { usableKeys } from '../../../../src/authenticate/keys/usable-keys.ts'
import type { Issuer } from '../../../../src/index.ts'
import type { Observed } from '../../../../src/ledger/head.ts'
import { createIssuer, type TestIssuer } from '../../../support/issuer.ts'
import { type MemoryGate, memoryGate } from '../../../support/memory-gate.ts'

const setOf = ({ jwks }: TestIssuer) => jwks as JSONWebKeySet
const NEXT = REMOTE_KEYS.freshFor + 60_000

describe('a gate whose issuer publishes other keys', () => {
  let now: number
  let idp: TestIssuer
  let next: TestIssuer
  let published: JSONWebKeySet
  let gate: MemoryGate
  beforeEach(async () => {
    now = Date.now()
    idp = await createIssuer()
    next = await createIssuer(idp.issuer, idp.audience, 'second')
    published = setOf(idp)
    const { jwks: _, ...entry } = idp.entry()
    gate = await memoryGate({ issuers: [{ ...entry, jwks: async () => published }], now: () => now }, idp)
  })
  const ask = async (by = idp) =>
    gate.fetch('/recordings/rec-1', {
      headers: await by.bearer('patient-1', { exp: Math.floor(now / 1000) + 3600 }),
    })
  const thumbprints = ({ keys }: JSONWebKeySet) =>
    Promise.all(keys.map(key => calculateJwkThumbprint(key))).then(all => all.sort())

  test('records their thumbprints before and after', async () => {
    await ask()
    published = { keys: [...setOf(idp).keys, ...setOf(next).keys] }
    now += NEXT
    expect((await ask(next)).status).toBe(200)
    await expect.poll(() => gate.events('keys')).toHaveLength(1)
    const [event] = await gate.events('keys')
    expect(event).toMatchObject({
      issuer: idp.issuer,
      before: await thumbprints(setOf(idp)),
      after: await thumbprints(published),
    })
    expect(event).not.toHaveProperty('entry')
    expect(event).not.toHaveProperty('others')
    const { x = '' } = published.keys[0] ?? {}
    expect(JSON.stringify(event)).not.toContain(x)
  })

  test('records nothing at the first load, nor if only the names or the order of keys differ', async () => {
    await ask()
    published = { keys: [...setOf(idp).keys, ...setOf(next).keys] }
    now += NEXT
    await ask()
    await expect.poll(() => gate.events('keys')).toHaveLength(1)
    published = { keys: published.keys.toReversed().map(key => ({ ...key, kid: `${key.kid}-b` })) }
    now += NEXT
    await ask()
    published = { keys: published.keys.map(({ kid: _, ...key }) => key) }
    now += NEXT
    await ask()
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(await gate.events('keys')).toHaveLength(1)
  })
})

describe('createKeyChangeRecorder', () => {
  const recorded: [Observed, object][] = []
  const changed = createKeyChangeRecorder(
    async (observed, facts) => {
      recorded.push([observed, facts])
      return ''
    },
    () => 0,
  )
  const entry: Issuer = { issuer: 'https://login.test/', audience: 'recordings', name: 'patients' }
  let a: JSONWebKeySet
  let b: JSONWebKeySet
  let change: KeyChange
  beforeEach(async () => {
    recorded.length = 0
    a = setOf(await createIssuer())
    b = setOf(await createIssuer())
    change = { entry, others: [], before: usableKeys(a), after: usableKeys(b) }
  })

  test('an entry with a name of its own is named beside its issuer', async () => {
    await changed(change)
    expect(recorded[0]?.[0].token).toEqual({ issuer: 'https://login.test/', entry: 'patients' })
  })

  test('the issuers that share the keys are named, up to 256', async () => {
    const others = Array.from({ length: 300 }, (_, i) => `https://login.test/${i}`)
    await changed({ ...change, others })
    expect(recorded).toMatchObject([[{}, { others: others.slice(0, 256) }]])
  })

  test('a record that can not be made is no fault of the keys', async () => {
    const failing = createKeyChangeRecorder(
      () => Promise.reject(new Error('down')),
      () => 0,
    )
    await expect(failing(change)).resolves.toBeUndefined()
  })

  test('the change of a shared place names its first entry, and the issuers of the others', async () => {
    const seen: unknown[] = []
    let keys = a
    const sourceOf = createKeySources({
      changed: async ({ entry, others }) => {
        await new Promise(resolve => setTimeout(resolve, 10))
        seen.push([entry.issuer, others])
      },
    })
    const jwks = async () => keys
    const of = (issuer: string) => sourceOf({ issuer, audience: 'recordings', algorithms: ['ES256'], jwks })
    const [first] = ['https://a.test/', 'https://b.test/', 'https://c.test/'].map(of)
    const works: Promise<unknown>[] = []
    await first?.current(0, work => works.push(work))
    keys = b
    await first?.current(NEXT, work => works.push(work))
    // The request is not held up, and keeps the work alive that came after.
    expect(seen).toEqual([])
    for (const work of works) await work
    expect(seen).toEqual([['https://a.test/', ['https://b.test/', 'https://c.test/']]])
  })
})
