import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RunningGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  instanceOf,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'
import { type Service, startService } from '../support/service.ts'

// A disk that is really full: a file system of a few mebibytes, which takes root to mount.

const MEBIBYTE = 2 ** 20
let data: string
let idp: TestIssuer
let service: Service

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', data])
  idp = await createIssuer()
})
afterEach(async () => {
  service.kill('SIGKILL')
  await service.ended
  execFileSync('umount', ['-l', data])
})

// Nobody but root may mount.
const RUNTIMES = process.getuid?.() === 0 ? (['deno', 'node'] as const) : []

describe.each(RUNTIMES)('on %s', runtime => {
  const gate = () => ({ url: service.url }) as RunningGate
  /** Fills the disk. The gate may write meanwhile, so a write of what seemed to be free may not fit. */
  const fill = () => {
    const { bsize } = statfsSync(data)
    while (statfsSync(data).bavail > 0) {
      try {
        writeFileSync(join(data, 'ballast'), Buffer.alloc(bsize), { flag: 'a' })
      } catch {
        return
      }
    }
  }
  const files = () =>
    readdirSync(join(data, 'recordings'), { recursive: true, encoding: 'utf8' }).filter(name =>
      name.includes('@'),
    )

  test('an upload that does not fit on the disk gets 503 and is not stored, and the output says what to do', async () => {
    service = await startService(runtime, data, variables(idp))
    expect((await store(gate(), idp, '/recordings/small', 'patient-1', 'small')).status).toBe(201)
    const before = files()
    const response = await store(gate(), idp, '/recordings/big', 'patient-1', new Uint8Array(20 * MEBIBYTE))
    expect(response.status).toBe(503)
    const id = await instanceOf(response)
    expect(service.said()).toContain(
      `store_unavailable, event ${id}: the disk of the recordings is full (ENOSPC): make room`,
    )
    // Bound to its patient for good, but not stored.
    expect(
      files()
        .filter(name => !before.includes(name))
        .every(name => name.includes('bindings')),
    ).toBe(true)
    expect(readdirSync(join(data, 'recordings/.mediaward/uploads'))).toEqual([])
    const headers = await idp.bearer('patient-1')
    expect((await fetch(`${service.url}/recordings/big`, { headers })).status).toBe(404)
    expect(await (await fetch(`${service.url}/recordings/small`, { headers })).text()).toBe('small')
    expect((await denials(gate(), idp)).find(event => event.id === id)).toMatchObject({
      reason: 'store_unavailable',
    })
    expect((await store(gate(), idp, '/recordings/fits', 'patient-1', new Uint8Array(MEBIBYTE))).status).toBe(
      201,
    )
  })

  test('no denial without a record: on a full disk the answer is 503, and the output has the record', async () => {
    service = await startService(runtime, data, variables(idp))
    const refused = new Map<number, string[]>()
    let asked = 0
    const ask = async () => {
      // Each from another release: the same one over and over would be counted, not recorded one by one.
      const headers = { 'Mediaward-App-Release': `release-${asked++}` }
      const response = await fetch(`${service.url}/recordings/none`, { headers })
      const ids = refused.get(response.status) ?? []
      refused.set(response.status, [...ids, await instanceOf(response)])
    }
    await ask()
    fill()
    for (let i = 0; i < 40; i++) await Promise.all(Array.from({ length: 25 }, ask))
    expect(refused.get(503)?.length ?? 0).toBeGreaterThan(100)
    rmSync(join(data, 'ballast'))
    for (let i = 0; i < 10; i++) await ask()
    // It goes on by itself.
    expect(refused.get(401)?.length ?? 0).toBeGreaterThanOrEqual(11)
    expect([...refused.keys()].sort()).toEqual([401, 503])
    await denials(gate(), idp)
    service.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    const database = new DatabaseSync(join(data, 'ledger.sqlite'))
    const ids = new Set(
      (database.prepare('SELECT id FROM event').all() as { id: string }[]).map(({ id }) => id),
    )
    database.close()
    expect(refused.get(401)?.filter(id => !ids.has(id))).toEqual([])
    const said = service.said()
    for (const id of refused.get(503) ?? []) expect(said).toContain(`"id":"${id}"`)
    expect(said).toMatch(/database or disk is full/)
  })
})
