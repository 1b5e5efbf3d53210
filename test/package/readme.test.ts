import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../src/cli/workerd.ts'
import { VARIABLES } from '../../src/variables.ts'
import { createIssuer, type TestIssuer } from '../support/clinic.ts'

// What the README shows works as it stands there.

const readme = readFileSync('README.md', 'utf8')
const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''

describe('the whole program', () => {
  let miniflare: Miniflare
  let idp: TestIssuer
  const folder = mkdtempSync('test/readme-')

  beforeAll(async () => {
    idp = await createIssuer('https://login.clinic.example/')
    const keys = `jwks: ${JSON.stringify(idp.jwks)}`
    // The one change: the keys themselves, for login.clinic.example serves none.
    const entry = join(folder, 'app.ts')
    writeFileSync(entry, program.replace(/jwks_uri: '[^']*'/, keys))
    miniflare = new Miniflare(
      convertV4MiniflareOptions({
        name: 'readme',
        modules: true,
        script: await bundle(entry),
        compatibilityDate: '2026-10-20',
        bindings: { PSEUDONYM_KEY: 'only for tests: no secret protects these people' },
        r2Buckets: ['RECORDINGS', 'AUDIT'],
        durableObjects: { LEDGER: { className: 'LedgerObject', useSQLite: true } },
        cf: false,
        telemetry: { enabled: false },
      }),
    )
    const bucket = await miniflare.getR2Bucket('RECORDINGS')
    await bucket.put('recordings/rec-1', 'the recording', { customMetadata: { 'mw-owner': 'patient-1' } })
  })
  afterAll(async () => {
    await miniflare.dispose()
    rmSync(folder, { recursive: true })
  })

  test('is under 15 lines of code', () => {
    expect(program.split('\n').filter(line => line.trim() !== '').length).toBeLessThan(15)
  })

  test('streams to the owner and refuses everyone else', async () => {
    const status = async (subject?: string) => {
      const headers: Record<string, string> =
        subject === undefined ? {} : { Authorization: `Bearer ${await idp.token(subject)}` }
      const response = await miniflare.dispatchFetch('https://app.test/recordings/rec-1', { headers })
      return [response.status, await response.text()]
    }
    expect(await status('patient-1')).toEqual([200, 'the recording'])
    expect((await status('patient-2'))[0]).toBe(404)
    expect((await status())[0]).toBe(401)
  })
})

test('every variable that is read is in the table, and no other', () => {
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(match => match[1])
  expect(rows.sort()).toEqual(Object.keys(VARIABLES).sort())
})

test('every link to a file leads to one', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(match => match[1] ?? '')
  expect(links.length).toBeGreaterThan(5)
  for (const link of links) expect(() => readFileSync(link), link).not.toThrow()
})
