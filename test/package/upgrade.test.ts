import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterEach, expect, test } from 'vitest'
import { bundle, DURABLE_OBJECTS } from '../../src/cli/workerd.ts'
import { VERSION } from '../../src/ledger/event.ts'
import { createIssuer, variables } from '../support/gate-client.ts'

// Two versions of the deployed worker without a migration between them, over the same Durable Objects and buckets.

const LATER = '99.0.0'
let running: Miniflare | undefined
afterEach(() => running?.dispose())

test('a worker is upgraded and rolled back, and each version reads what the other has recorded', async () => {
  const idp = await createIssuer()
  const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const today = await bundle()
  const later = today.replaceAll(`"${VERSION}"`, `"${LATER}"`)
  expect(later).not.toBe(today)

  const deploy = async (script: string) => {
    await running?.dispose()
    running = new Miniflare(
      convertV4MiniflareOptions({
        ...{ name: 'upgrade', modules: true, script, compatibilityDate: '2026-10-20' },
        bindings: variables(idp),
        r2Buckets: { RECORDINGS: 'recordings', AUDIT: 'mediaward-audit' },
        durableObjects: DURABLE_OBJECTS,
        resourcePersistencePath: data,
        ...{ cf: false, telemetry: { enabled: false } },
      }),
    )
    return running
  }
  const refused: string[] = []
  const records = async (worker: Miniflare) => {
    for (let i = 0; i < 3; i++) {
      const headers = await idp.bearer('patient-007')
      const response = await worker.dispatchFetch(`https://gate.test/recordings/rec-${refused.length}`, {
        headers,
      })
      refused.push(((await response.json()) as { instance: string }).instance.slice('urn:uuid:'.length))
    }
    const headers = await idp.bearer('analyst-1', { roles: ['security'] })
    const response = await worker.dispatchFetch('https://gate.test/console/api/denials?indexed=true', {
      headers,
    })
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    return lines.map(({ index, record }) => ({ index, id: record.id, version: record.gate.version }))
  }

  const first = await records(await deploy(today))
  expect(first.map(({ id }) => id)).toEqual(refused)
  const upgraded = await records(await deploy(later))
  expect(upgraded.slice(0, 3)).toEqual(first)
  const back = await records(await deploy(today))
  expect(back.slice(0, 6)).toEqual(upgraded)
  expect(back.map(({ id }) => id)).toEqual(refused)
  expect(back.map(({ version }) => version)).toEqual(
    [VERSION, LATER, VERSION].flatMap(one => [one, one, one]),
  )
  const indexes = back.map(({ index }) => index)
  expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b))
}, 60_000)
