import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { explainOffline } from '../../../src/cli/explain/offline.ts'
import type { Explanation } from '../../../src/explain/explanation.ts'
import { readQuestion } from '../../../src/explain/question.ts'
import { Refusal } from '../../../src/refusal.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY, variables } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// `explain` says of every token of test/vectors/mint-jwt-cases.mjs what the gate answers.

interface TokenCase {
  readonly id: string
  readonly token: string
}

const out = mkdtempSync(join(tmpdir(), 'mediaward-tokens-'))
const vars = join(out, 'test.vars')
const analyst = await createIssuer()
let gate: MemoryGate
let cases: readonly TokenCase[]

beforeAll(async () => {
  vi.spyOn(console, 'error').mockReturnValue()
  const args = { out, iss: 'https://vectors.test/', aud: 'recordings', sub: 'patient-1', other: 'patient-2' }
  execFileSync(process.execPath, [
    'test/vectors/mint-jwt-cases.mjs',
    ...Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]),
  ])
  const read = (file: string) => JSON.parse(readFileSync(join(out, file), 'utf8'))
  cases = read('tokens.json').cases
  const vectors = {
    issuer: 'https://vectors.test/',
    audience: 'recordings',
    algorithms: ['ES256', 'RS256', 'EdDSA'],
    jwks: read('jwks.json'),
  } as const
  const issuers = [analyst.entry({ allowed_roles: ['security'] }), vectors]
  const store = createMemoryStore()
  await store.put('recordings/own', new Blob(['video']).stream(), {
    size: 5,
    contentType: 'video/mp4',
    ownership: { owner: 'patient-1', issuer: 'https://vectors.test/' },
    replaces: null,
  })
  gate = await memoryGate({ issuers: [...issuers], store }, analyst)
  const settings = { ...variables(analyst), PSEUDONYM_KEY, ISSUERS: JSON.stringify(issuers) }
  writeFileSync(
    vars,
    Object.entries(settings)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(''),
  )
})

async function explainedByGate(token: string): Promise<Explanation | undefined> {
  const response = await gate.ask('analyst-1', '/console/api/explain', {
    method: 'POST',
    claims: { roles: ['security'] },
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, url: '/recordings/own' }),
  })
  return response.ok ? ((await response.json()) as Explanation) : undefined
}

test('explain has the verdict of the gate for every token, and so has a running gate, and neither repeats the token', async () => {
  const wrong: string[] = []
  let accepted = 0
  let explained = 0
  for (const { id, token } of cases) {
    const question = readQuestion({ token, url: '/recordings/own' })
    // Not what a header can hold.
    if (question instanceof Refusal) continue
    explained++
    // Of another release each, so that no refusal is counted into another one.
    const headers = { authorization: `Bearer ${token}`, 'mediaward-app-release': id.slice(0, 32) }
    const response = await gate.fetch('/recordings/own', { method: 'HEAD', headers })
    const { status } = response
    const [record] = status === 200 ? [] : (await gate.events('access')).slice(-1)
    const offline = await explainOffline(question, { vars, data: out, showIds: false })
    const online = await explainedByGate(token)
    for (const explanation of [offline, online]) {
      const { decision, reason, claim } = explanation ?? {}
      const verdict = [explanation?.status, decision, reason, claim].join()
      const expected = [status, status === 200 ? 'permit' : 'deny', record?.reason, record?.claim].join()
      if (verdict !== expected) wrong.push(`${id}: ${verdict} instead of ${expected}`)
      const json = JSON.stringify(explanation)
      const failed = explanation?.steps.filter(({ outcome }) => outcome === 'fail') ?? []
      if (failed.length > 0 !== (decision === 'deny')) wrong.push(`${id}: ${failed.length} steps fail`)
      for (const part of token.split('.'))
        if (part.length > 40 && json.includes(part)) wrong.push(`${id}: leaks`)
    }
    if (status === 200) accepted++
  }
  expect(wrong).toEqual([])
  expect(accepted).toBeGreaterThan(10)
  expect(explained).toBeGreaterThan(170)
})
