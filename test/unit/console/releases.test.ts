import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// A team says that a release of its app is out, and a drill asks whether it may rehearse.

const RELEASES = '/console/api/releases'
let gate: MemoryGate
beforeEach(async () => {
  const idp = await createIssuer()
  const entry = idp.entry({ allowed_roles: ['security', 'app', 'analyst', 'viewer', 'recorder'] })
  gate = await memoryGate({ issuers: [entry] }, idp)
})

const mark = (call: unknown, roles: readonly string[] = ['app'], at = gate) =>
  at.ask('build-1', RELEASES, {
    method: 'POST',
    claims: { roles },
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(call),
  })

describe('a release', () => {
  test('is on record once it is said to be out, with who said so as a pseudonym', async () => {
    const response = await mark({ release: '4.12.0' })
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual({ release: '4.12.0' })
    const records = await gate.events('release')
    expect(records).toMatchObject([
      { decision: 'permit', release: '4.12.0', subject: expect.stringMatching(/^psn_/), roles: ['app'] },
    ])
    expect(JSON.stringify(records)).not.toContain('build-1')
  })

  test('is what the call says, and not what its header says', async () => {
    await gate.ask('build-1', RELEASES, {
      method: 'POST',
      claims: { roles: ['app'] },
      headers: { 'content-type': 'application/json', 'mediaward-app-release': '1.0.0' },
      body: '{"release":"4.12.0"}',
    })
    expect((await gate.events('release')).map(({ release }) => release)).toEqual(['4.12.0'])
  })

  test.each([
    ['security', 201],
    ['app', 201],
    ['analyst', 404],
    ['viewer', 404],
    ['recorder', 404],
  ])('is said by the role %s: %i', async (role, status) => {
    expect((await mark({ release: '4.12.0' }, [role])).status).toBe(status)
    expect(await gate.events('release')).toHaveLength(status === 201 ? 1 : 0)
  })

  test.each<[unknown]>([
    [{}],
    [null],
    [[]],
    ['4.12.0'],
    [{ release: 4 }],
    [{ release: '' }],
    [{ release: '4.12.0 ' }],
    [{ release: '4\n12' }],
    [{ release: 'é' }],
    [{ release: 'r'.repeat(33) }],
    [{ release: '4.12.0', more: true }],
  ])('is refused as %j, and is not on record', async call => {
    expect((await mark(call)).status).toBe(400)
    expect(await gate.events('release')).toEqual([])
  })

  test('is answered 503 if the log can’t take it: no one may believe that it is there', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {})
    const ledger = createMemoryLedger()
    const broken = await memoryGate(
      {
        ledger: {
          ...ledger,
          read: query => ledger.read(query),
          count: query => ledger.count(query),
          held: query => ledger.held(query),
          waitAfter: (cursor, milliseconds) => ledger.waitAfter(cursor, milliseconds),
          append: () => Promise.reject(new Error('the disk is full')),
        },
      },
      gate.idp,
    )
    expect((await mark({ release: '4.12.0' }, ['app'], broken)).status).toBe(503)
    said.mockRestore()
  })

  test('takes POST alone', async () => {
    const response = await gate.ask('build-1', RELEASES, { claims: { roles: ['app'] } })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST, OPTIONS')
  })
})

describe('drills', () => {
  const drills = async (at: MemoryGate, role = 'viewer') => {
    const response = await at.ask('analyst-1', '/console/api/drills', { claims: { roles: [role] } })
    return response.status === 200 ? response.json() : response.status
  }

  test('are refused unless a deployment allows them', async () => {
    expect(await drills(gate)).toEqual({ drills: 'refuse' })
    const entry = gate.idp.entry({ allowed_roles: ['viewer'] })
    const staging = await memoryGate({ issuers: [entry], drills: 'allow' }, gate.idp)
    expect(await drills(staging)).toEqual({ drills: 'allow' })
  })

  test('are no one’s business who may not look', async () => {
    expect(await drills(gate, 'recorder')).toBe(404)
  })
})
