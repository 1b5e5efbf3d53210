import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createIssuer } from '../../support/gate-client.ts'
import type { Asking } from '../../support/memory-gate.ts'
import { type OwnedGate, ownedGate } from '../../support/owned-gate.ts'

// A gate that asks a function who owns a recording. Everything is stamped with patient-1; the function says patient-2.

const other = { owner: 'patient-2' }
const theirs = () => ownedGate({ 'rec-1': other, set: other })

/** Each way to ask for one recording by a token, and how it is answered to its owner. */
const WAYS: readonly (readonly [string, string, Asking, number])[] = [
  ['a GET request', '/recordings/rec-1', {}, 200],
  ['a HEAD request', '/recordings/rec-1', { method: 'HEAD' }, 200],
  ['a range', '/recordings/rec-1', { headers: { range: 'bytes=5-9' } }, 206],
  ['a range beyond the end', '/recordings/rec-1', { headers: { range: 'bytes=9999-' } }, 416],
  ['a suffix range', '/recordings/rec-1', { headers: { range: 'bytes=-5' } }, 206],
  ['a playlist', '/recordings/set/list.m3u8', {}, 200],
  ['a HEAD request for a playlist', '/recordings/set/list.m3u8', { method: 'HEAD' }, 200],
  ['a part', '/recordings/set/a.ts', {}, 200],
  ['a ticket', '/recordings/rec-1/ticket', { method: 'POST' }, 201],
  ['a ticket for a part', '/recordings/set/list.m3u8/ticket', { method: 'POST' }, 201],
  ['a ticket for all parts', '/recordings/set/ticket', { method: 'POST' }, 201],
]

/** Gets the path that a ticket opens. */
async function ticketFor(gate: OwnedGate, who: string, path: string): Promise<string> {
  const response = await gate.ask(who, `${path}/ticket`, { method: 'POST' })
  return new URL(((await response.json()) as { url: string }).url).pathname
}

beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue())

describe('owner function', () => {
  test.each(WAYS)(
    '%s is permitted only to the owner that the function names, whatever the stamp says',
    async (_, path, init, status) => {
      const gate = await theirs()
      expect((await gate.ask('patient-2', path, init)).status).toBe(status)
      expect((await gate.ask('patient-1', path, init)).status).toBe(404)
      expect((await gate.events()).at(-1)).toMatchObject({ decision: 'deny', reason: 'not_owner' })
    },
  )

  test.each(WAYS)(
    '%s is refused to every patient if the function knows no owner, whatever the stamp says',
    async (_, path, init) => {
      const gate = await ownedGate({})
      for (const who of ['patient-1', 'patient-2']) expect((await gate.ask(who, path, init)).status).toBe(404)
      expect((await gate.events()).map(({ reason }) => reason)).toEqual([
        'recording_unbound',
        'recording_unbound',
      ])
    },
  )

  test('each recording of a list is decided by the owner that the function names', async () => {
    const gate = await ownedGate({ 'rec-1': other })
    const answers = async (who: string) => (await gate.list(who, 'rec-1', 'set', 'none')).json()
    expect(await answers('patient-2')).toEqual({
      evaluations: [{ decision: true }, { decision: false }, { decision: false }],
    })
    expect(await answers('patient-1')).toEqual({
      evaluations: [{ decision: false }, { decision: false }, { decision: false }],
    })
    expect((await gate.events()).at(0)).toMatchObject({
      kind: 'listed',
      answers: [
        { decision: 'permit', recording: 'rec-1' },
        { decision: 'deny', recording: 'set', reason: 'recording_unbound' },
        { decision: 'deny', recording: 'none', reason: 'recording_unknown' },
      ],
    })
  })

  test('the owner function is called once for each recording of a list, however often it is listed', async () => {
    const gate = await theirs()
    await gate.list('patient-2', 'rec-1', 'set', 'rec-1', 'none')
    expect(gate.calls.filter(call => call.startsWith('owner of')).sort()).toEqual([
      'owner of none',
      'owner of rec-1',
      'owner of set',
    ])
  })

  test.each(['/recordings/rec-1', '/recordings/set/list.m3u8'])(
    'a ticket for %s opens it only as long as the function names the same owner',
    async path => {
      const gate = await theirs()
      const ticket = await ticketFor(gate, 'patient-2', path)
      expect((await gate.fetch(ticket)).status).toBe(200)
      gate.known['rec-1'] = { owner: 'patient-3' }
      gate.known.set = null
      expect((await gate.fetch(ticket)).status).toBe(404)
      expect((await gate.fetch(ticket, { method: 'HEAD' })).status).toBe(404)
    },
  )

  test('records hold the pseudonym and the tenant of the owner that the function names', async () => {
    const idp = await createIssuer()
    const issuers = [idp.entry({ tenant_claim: 'tenant' })]
    const gate = await ownedGate({ 'rec-1': { ...other, tenant: 'north' } }, { issuers }, idp)
    const ask = async (who: string, tenant: string) =>
      (await gate.ask(who, '/recordings/rec-1', { claims: { tenant } })).status
    expect(await ask('patient-1', 'north')).toBe(404)
    expect(await ask('patient-2', 'south')).toBe(404)
    expect(await ask('patient-2', 'north')).toBe(200)
    const events = await gate.events()
    expect(events.map(({ kind, reason }) => reason ?? kind)).toEqual(['not_owner', 'tenant_mismatch', 'view'])
    const pseudonym = events.at(-1)?.subject
    expect(pseudonym).toMatch(/^psn_/)
    for (const event of events) expect(event).toMatchObject({ owner: pseudonym, recording_tenant: 'north' })
    expect(JSON.stringify(events)).not.toContain('patient-')
  })

  test.each(WAYS.slice(0, 8))(
    '%s takes one operation of the store, and one call of the owner function',
    async (_, path, init, status) => {
      if (status === 416) return
      const gate = await theirs()
      await gate.ask('patient-2', path, init)
      const isHead = init.method === 'HEAD' && !path.endsWith('.m3u8')
      expect(gate.calls).toEqual([isHead ? 'find' : 'open', `owner of ${path.split('/')[2]}`])
    },
  )
})

describe('concealment', () => {
  const answerOf = async (response: Response) => [
    response.status,
    [...response.headers],
    (await response.text()).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'EVENT'),
  ]
  const fail = () => Promise.reject(new Error('no connection'))

  test.each(
    WAYS.flatMap(([name, path, init]) =>
      [true, false].map(
        agrees => [name, agrees ? 'an agreement' : 'a function', path, init, agrees] as const,
      ),
    ),
  )(
    '%s, decided by %s, gets one answer and takes the same calls for a foreign and a missing recording',
    async (_, __, path, init, agrees) => {
      const gate = await ownedGate({}, { agrees })
      const id = path.split('/')[2] ?? ''
      let strangers = 0
      const ask = async (where: string) => {
        gate.calls.length = 0
        // Another one each time: the refusals of one caller would be counted together, and leave later.
        const answer = await answerOf(await gate.ask(`stranger-${strangers++}`, where, init))
        const calls = gate.calls.map(call => call.replace(/gone|rec-1|set/, 'ID'))
        return { answer, calls: calls.toSorted() }
      }
      const gone = path.replace(id, 'gone')
      for (const known of [other, null, { owner: 'patient-1' }, fail]) {
        // Also if it knows an owner of what isn't there.
        for (const ofGone of [known, known === fail ? fail : null]) {
          Object.assign(gate.known, { [id]: known, gone: ofGone })
          const [there, absent] = [await ask(path), await ask(gone)]
          expect(there).toEqual(absent)
          expect(there.answer[0]).toBe(known === fail ? 503 : 404)
          expect(there.calls.filter(call => call === 'owner of ID').length).toBe(1)
        }
      }
    },
  )

  test('a missing recording is unknown even to the owner that the function names', async () => {
    const gate = await ownedGate({ gone: other })
    expect((await gate.ask('patient-2', '/recordings/gone')).status).toBe(404)
    expect((await gate.ask('patient-2', '/recordings/gone/ticket', { method: 'POST' })).status).toBe(404)
    expect((await gate.events()).map(({ reason }) => reason)).toEqual([
      'recording_unknown',
      'recording_unknown',
    ])
  })
})

describe('agreement of stamp and function', () => {
  test.each(WAYS)(
    '%s is permitted only to the owner that stamp and function agree on',
    async (_, path, init, status) => {
      const stamped = { owner: 'patient-1' }
      const gate = await ownedGate({ 'rec-1': stamped, set: stamped }, { agrees: true })
      expect((await gate.ask('patient-1', path, init)).status).toBe(status)
      expect((await gate.ask('patient-2', path, init)).status).toBe(404)
      for (const known of [other, null, { owner: 'patient-1', tenant: 'north' }]) {
        Object.assign(gate.known, { 'rec-1': known, set: known })
        for (const who of ['patient-1', 'patient-2'])
          expect((await gate.ask(who, path, init)).status).toBe(404)
        expect((await gate.events()).at(-1)).toMatchObject({ reason: 'recording_unbound' })
      }
    },
  )
})
