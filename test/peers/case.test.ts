import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RunningGate } from '../support/gate.ts'
import { createIssuer, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { type Service, startService } from '../support/service.ts'

// A disk that ignores case: NTFS of Debian's package ntfs-3g, which takes root to mount.

const DRIVER = '/usr/bin/lowntfs-3g'
let folder: string
let data: string
let idp: TestIssuer
let service: Service

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const disk = join(folder, 'disk')
  data = join(folder, 'data')
  writeFileSync(disk, '')
  truncateSync(disk, 32 * 2 ** 20)
  execFileSync('mkntfs', ['-F', '-Q', '-q', disk], { stdio: 'ignore' })
  mkdirSync(join(data, 'recordings'), { recursive: true })
  execFileSync(DRIVER, ['-o', 'ignore_case,loop', disk, join(data, 'recordings')])
  idp = await createIssuer()
})
afterEach(async () => {
  service.kill('SIGKILL')
  await service.ended
  execFileSync('umount', ['-l', join(data, 'recordings')])
  rmSync(folder, { recursive: true })
})

// Nobody but root may mount.
const RUNTIMES = process.getuid?.() === 0 && existsSync(DRIVER) ? (['deno', 'node'] as const) : []

describe.each(RUNTIMES)('on %s', runtime => {
  const gate = () => ({ url: service.url }) as RunningGate
  const put = (path: string, owner: string) =>
    store(gate(), idp, `/recordings/${path}`, owner, 'the recording')
  const play = async (path: string, method = 'GET') =>
    fetch(`${service.url}/recordings/${path}`, {
      method,
      headers: await idp.bearer('patient-1'),
    })
  const TAKEN = /The store ignores case, and holds a recording or part whose name differs in nothing else/

  test('a name that differs in case alone, on a disk that ignores case, is absent and is not stored', async () => {
    service = await startService(runtime, data, variables(idp))
    expect(service.said()).toContain('the disk of the recordings ignores case')
    expect((await put('rec-1', 'patient-1')).status).toBe(201)
    expect((await put('set/a.ts', 'patient-1')).status).toBe(201)

    for (const path of ['REC-1', 'set/A.ts', 'SET/a.ts']) {
      for (const method of ['GET', 'HEAD']) expect((await play(path, method)).status).toBe(404)
      // For its own patient as for another: the id is another one.
      for (const owner of ['patient-1', 'patient-2']) {
        const refused = await put(path, owner)
        expect([path, owner, refused.status]).toEqual([path, owner, 409])
        const { detail } = (await refused.json()) as { detail: string }
        if (owner === 'patient-1' || !path.startsWith('set/')) expect(detail).toMatch(TAKEN)
        else expect(detail).toMatch(/bound to another owner/)
      }
    }
    const begun = await fetch(`${service.url}/recordings/set/A.ts/upload`, {
      method: 'POST',
      headers: {
        ...(await idp.bearer('recorder-1', { roles: ['recorder'] })),
        'Mediaward-Owner': 'patient-1',
        'Mediaward-Upload-Size': '10',
      },
    })
    expect(begun.status).toBe(409)
    expect(await begun.text()).toMatch(TAKEN)

    for (const path of ['rec-1', 'set/a.ts']) expect(await (await play(path)).text()).toBe('the recording')
    expect((await put('rec-1', 'patient-2')).status).toBe(409)
    expect((await put('rec-1', 'patient-1')).status).toBe(200)
  })
})
