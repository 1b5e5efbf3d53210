import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { AccessEvent, Ledger, MediawardOptions } from '../../../src/index.ts'
import { createMemoryLedger, createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { storeWith } from '../../support/store-with.ts'

// A player that asks the same again and again, and is refused each time.

let now: number
let ip: string
let gate: MemoryGate
let login: Record<string, string>

beforeEach(async () => {
  now = Date.now()
  ip = '203.0.113.7'
  await start({ network: () => ({ ip }) })
})

async function start(options: Partial<MediawardOptions>, who = 'patient-2'): Promise<void> {
  gate = await memoryGate({ now: () => now, ...options })
  login = await gate.idp.bearer(who)
}
const ask = async (path = '/recordings/rec-1', headers = login) => {
  const response = await gate.fetch(path, { headers })
  const { instance } = (await response.json()) as { instance: string }
  return { id: instance.slice(9), status: response.status, retry: response.headers.get('retry-after') }
}
const events = () => gate.events('access')

describe('repeated refusals', () => {
  test('twenty equal refusals are recorded as three, one that represents the rest, and one that counts them', async () => {
    const answers = []
    for (let i = 0; i < 20; i++) answers.push(await ask())
    const ids = answers.map(({ id }) => id)
    expect(new Set(ids).size).toBe(4)
    expect(ids.slice(3).every(id => id === ids[3])).toBe(true)
    expect(answers.map(({ retry }) => retry)).toEqual([...Array(3).fill(null), ...Array(17).fill('20')])
    expect(answers.every(({ status }) => status === 404)).toBe(true)
    expect((await events()).map(({ id }) => id)).toEqual(ids.slice(0, 4))
    expect((await events())[3]?.repeats).toEqual({ until: new Date(now + 20_000).toISOString() })
    await gate.flush()
    await gate.flush()
    const all = await events()
    expect(all).toHaveLength(5)
    expect(all[4]).toMatchObject({
      reason: 'not_owner',
      recording: 'rec-1',
      repeats: { of: ids[3], count: 16 },
    })
  })

  test('a refusal after the window is recorded on its own, and so is the count of the window', async () => {
    for (let i = 0; i < 6; i++) await ask()
    now += 20_000
    const { id, retry } = await ask()
    const all = await events()
    expect(all.find(event => event.id === id)).not.toHaveProperty('repeats')
    expect([retry, all.map(({ repeats }) => repeats)]).toEqual([
      null,
      expect.arrayContaining([{ of: all[3]?.id, count: 2 }]),
    ])
  })

  test('concurrent refusals are answered only when the record that represents them is durable', async () => {
    let release: () => void = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const inner = createMemoryLedger()
    let count = 0
    const ledger: Ledger = {
      ...inner,
      append: async entries => {
        if (entries.some(({ json }) => json.includes('"access"')) && ++count === 4) await held
        return inner.append(entries)
      },
    }
    await start({ ledger })
    for (let i = 0; i < 3; i++) await ask()
    let answered = 0
    const waiting = Array.from({ length: 8 }, () => ask().then(() => answered++))
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(answered).toBe(0)
    release()
    await Promise.all(waiting)
    expect(await events()).toHaveLength(4)
  })

  test('a repeated refusal is answered 503 if the record that is to represent it cannot be written', async () => {
    const inner = createMemoryLedger()
    let down = false
    const ledger: Ledger = {
      ...inner,
      append: entries => (down ? Promise.reject(new Error('down')) : inner.append(entries)),
    }
    await start({ ledger, onUnrecorded: () => {} })
    for (let i = 0; i < 3; i++) await ask()
    down = true
    expect([(await ask()).status, (await ask()).status]).toEqual([503, 503])
    down = false
    expect((await ask()).status).toBe(404)
    expect((await events()).at(-1)?.repeats).toHaveProperty('until')
  })
})

describe('secrecy of the reason', () => {
  const stored = (key: string, owner: string) =>
    store.put(key, new Blob(['x']).stream(), {
      ...{ size: 1, contentType: 'video/mp4', replaces: null },
      ownership: { owner, issuer: gate.idp.issuer },
    })
  let store: ReturnType<typeof createMemoryStore>
  beforeEach(async () => {
    store = createMemoryStore()
    const locations = ['a', 'b'].map(name => ({ url: `/${name}/:recording`, key: `${name}/:recording` }))
    await start({ network: () => ({ ip }), store, locations })
  })

  test.each([1, 2, 3, 4, 5, 6])(
    'repeated refusals look the same when a recorder stores the recording before request %i',
    async moment => {
      const answers = []
      for (let i = 1; i <= 7; i++) {
        if (i === moment) await stored('a/rec-7', 'patient-1')
        answers.push(await ask('/a/rec-7'))
      }
      const [, , , standing] = answers
      expect(answers.map(({ retry }) => retry)).toEqual([null, null, null, '20', '20', '20', '20'])
      expect(new Set(answers.slice(3).map(({ id }) => id)).size).toBe(1)
      await gate.flush()
      const all = await events()
      // Each id that was answered is found, and each reason stands there as often as it was one.
      const ids = all.map(({ id }) => id)
      expect(answers.every(({ id }) => ids.includes(id))).toBe(true)
      const times = (reason: string) =>
        all
          .filter(event => event.reason === reason)
          .reduce((sum, { repeats }) => sum + (repeats && 'count' in repeats ? repeats.count : 1), 0)
      expect([times('recording_unknown'), times('not_owner')]).toEqual([moment - 1, 8 - moment])
      for (const { repeats } of all) if (repeats && 'of' in repeats) expect(repeats.of).toBe(standing?.id)
    },
  )

  test('the waiting times of rejected tokens do not show whether a token was once valid', async () => {
    const expired: string[] = []
    // Of one id, and each written another way, as its signature is.
    for (let i = 0; i < 5; i++) expired.push(await gate.idp.token('patient-2', { exp: 1000, jti: 'one' }))
    const forged = expired.map(token => `${token.slice(0, -20)}${'A'.repeat(20)}`)
    const retries = async (tokens: readonly string[]) => {
      const answers = []
      for (const token of tokens) answers.push(await ask('/a/rec-7', { authorization: `Bearer ${token}` }))
      return answers.map(({ retry }) => retry)
    }
    for (const tokens of [expired, forged]) {
      expect(await retries(tokens)).toEqual(Array(5).fill(null))
      expect(await retries(Array(5).fill(tokens[0]))).toEqual([null, null, '20', '20', '20'])
    }
    const reasons = new Set((await events()).map(({ reason }) => reason))
    expect(reasons).toEqual(new Set(['token_expired', 'token_signature']))
  })

  test('refusals at two locations of a recording are counted apart, even if only one of them has it', async () => {
    await stored('a/rec-7', 'patient-1')
    for (let i = 0; i < 5; i++) await ask('/a/rec-7')
    const other = []
    for (let i = 0; i < 4; i++) other.push(await ask('/b/rec-7'))
    expect(other.map(({ retry }) => retry)).toEqual([null, null, null, '20'])
  })

  test('a counted refusal does not leave earlier than a recorded one, at 100 ms', async () => {
    for (let i = 0; i < 4; i++) await ask('/a/rec-7')
    const took: number[] = []
    for (const owner of [undefined, 'patient-1', undefined]) {
      if (owner !== undefined) await stored('a/rec-7', owner)
      const started = performance.now()
      await ask('/a/rec-7')
      took.push(performance.now() - started)
    }
    expect(Math.min(...took)).toBeGreaterThan(95)
  })

  // It is measured: on a busy machine another timing slot may pass.
  test.each([150, 400])(
    'a counted refusal leaves in its timing slot, even if the ledger takes %i ms for a record',
    { retry: 2 },
    async takes => {
      const inner = createMemoryLedger()
      let isSlow = false
      const ledger: Ledger = {
        ...inner,
        append: async entries => {
          if (isSlow) await new Promise(resolve => setTimeout(resolve, takes))
          return inner.append(entries)
        },
      }
      const key = `recordings/of-${takes}-${Math.random()}`
      await start({ store, ledger, now: Date.now })
      for (let i = 0; i < 4; i++) await ask(`/${key}`)
      isSlow = true
      const took: number[] = []
      for (let i = 0; i < 4; i++) {
        if (i === 2) await stored(key, 'patient-1')
        const started = performance.now()
        await ask(`/${key}`)
        took.push(performance.now() - started)
      }
      expect(Math.min(...took)).toBeGreaterThan(95)
      expect(Math.max(...took)).toBeLessThan(195)
      const counted = async () =>
        (await events()).filter(({ reason }) => reason === 'not_owner').map(({ repeats }) => repeats)
      await expect.poll(counted).toEqual([expect.objectContaining({ count: 1 })])
    },
  )

  test('a refusal whose new reason cannot be recorded at once is written with the counts', async () => {
    const inner = createMemoryLedger()
    let down = false
    const ledger: Ledger = {
      ...inner,
      append: entries => (down ? Promise.reject(new Error('down')) : inner.append(entries)),
    }
    await start({ store, ledger, onUnrecorded: () => {} })
    for (let i = 0; i < 4; i++) await ask('/recordings/rec-7')
    await stored('recordings/rec-7', 'patient-1')
    down = true
    expect(await ask('/recordings/rec-7')).toMatchObject({ status: 404, retry: '20' })
    down = false
    await ask('/recordings/rec-7')
    await gate.flush()
    expect((await events()).at(-1)).toMatchObject({ reason: 'not_owner', repeats: { count: 2 } })
  })
})

describe('outage of the ledger', () => {
  let failing: (json: string) => boolean
  let onUnrecorded: AccessEvent[]
  let slow: boolean
  beforeEach(async () => {
    failing = () => false
    slow = false
    onUnrecorded = []
    const inner = createMemoryLedger()
    const ledger: Ledger = {
      ...inner,
      append: async entries => {
        if (entries.some(({ json }) => failing(json))) throw new Error('down')
        if (slow) await new Promise(resolve => setTimeout(resolve, 50))
        return inner.append(entries)
      },
    }
    const keep = (json: string) => void onUnrecorded.push(JSON.parse(json) as AccessEvent)
    await start({ ledger, onUnrecorded: keep })
  })
  const withRelease = (release: string) => ask(undefined, { ...login, 'mediaward-app-release': release })
  const recordedTimes = async (release: string) =>
    (await events())
      .filter(event => event.release === release)
      .reduce((sum, { repeats }) => sum + (repeats && 'count' in repeats ? repeats.count : 1), 0)

  test('refusals of thirty kinds are counted during an outage of the ledger, and all recorded after it', async () => {
    for (let i = 0; i < 4; i++) await ask()
    const releases = Array.from({ length: 30 }, (_, i) => `1.${i}`)
    failing = () => true
    for (const release of releases) expect((await withRelease(release)).status).toBe(404)
    failing = () => false
    await gate.flush()
    for (const release of releases) expect([release, await recordedTimes(release)]).toEqual([release, 1])
  })

  test('onUnrecorded gets a count with the status that was answered, and any other refusal with 503', async () => {
    for (let i = 0; i < 4; i++) await ask()
    failing = () => true
    expect((await withRelease('1.0')).status).toBe(404)
    expect(onUnrecorded.at(-1)).toMatchObject({ status: 404, repeats: { count: 1 } })
    expect((await ask('/recordings/rec-2')).status).toBe(503)
    expect(onUnrecorded.at(-1)).toMatchObject({ status: 503, recording: 'rec-2' })
  })

  test('a count that cannot be written does not keep the others from being written', async () => {
    const said = vi.spyOn(console, 'error').mockReturnValue()
    for (let i = 0; i < 5; i++) await ask()
    for (const release of ['1.0', '1.1']) for (let i = 0; i < 2; i++) await withRelease(release)
    // The first of the counts fails at once, and the others take a while.
    failing = json => !json.includes('"release"')
    slow = true
    await gate.flush()
    said.mockRestore()
    for (const release of ['1.0', '1.1'])
      expect([release, await recordedTimes(release)]).toEqual([release, 2])
  })
})

describe('distinct refusals', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['recording', () => ask('/recordings/rec-2')],
    ['reason', () => ask('/recordings/..')],
    ['subject', async () => ask(undefined, await gate.idp.bearer('patient-3'))],
    ['credential', () => ask(undefined, {})],
    ['release', () => ask(undefined, { ...login, 'mediaward-app-release': '4.12.0' })],
    [
      'network',
      () => {
        ip = '198.51.100.77'
        return ask()
      },
    ],
    ['method', () => gate.fetch('/recordings/rec-1', { method: 'HEAD', headers: login })],
  ])('a refusal that differs in its %s is recorded on its own', async (_, other) => {
    for (let i = 0; i < 6; i++) await ask()
    const before = (await events()).length
    await other()
    expect((await events()).length).toBe(before + 1)
  })

  test('an anonymous refusal from another address is recorded on its own', async () => {
    for (let i = 0; i < 6; i++) await ask(undefined, {})
    expect(await events()).toHaveLength(4)
    ip = '203.0.113.8'
    await ask(undefined, {})
    expect(await events()).toHaveLength(5)
  })

  test('refusals from another AS or country are counted apart, even within one network', async () => {
    let where = { ip, asn: 2856, country: 'GB' }
    await start({ network: () => where })
    for (let i = 0; i < 6; i++) await ask()
    where = { ...where, asn: 64_496 }
    await ask()
    where = { ...where, country: 'FR' }
    for (let i = 0; i < 3; i++) await ask()
    await gate.flush()
    const repeats = (await events()).flatMap(({ net, repeats }) =>
      repeats && 'count' in repeats ? [[net?.asn, net?.country, repeats.count]] : [],
    )
    expect(repeats.sort()).toEqual([
      [2856, 'GB', 2],
      [64_496, 'FR', 1],
      [64_496, 'FR', 2],
      [64_496, 'GB', 1],
    ])
  })

  test('refusals of more kinds than one run counts are recorded each on its own', async () => {
    for (let i = 0; i < 4; i++) await ask()
    const releases = Array.from({ length: 30 }, (_, i) => `1.${i}`)
    await Promise.all(releases.map(release => ask(undefined, { ...login, 'mediaward-app-release': release })))
    const recorded = (await events()).map(({ release }) => release)
    expect(recorded).toEqual(expect.arrayContaining(releases))
  })

  test('a fault of the gate is recorded each time that it refuses a request', async () => {
    const broken = () => Promise.reject(new Error('no store'))
    await start({ store: storeWith(createMemoryStore(), { open: broken }) }, 'patient-1')
    for (let i = 0; i < 6; i++) expect((await ask()).status).toBe(503)
    expect(await events()).toHaveLength(6)
  })
})
