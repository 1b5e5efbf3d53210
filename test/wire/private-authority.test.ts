import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RUNTIME, startGate } from '../support/gate.ts'
import { createIssuer, patterned, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { AUTHORITY, CERTIFICATE, CERTIFICATE_KEY } from '../support/private-authority.ts'

// A key server whose certificate is signed by an authority of the clinic's own.

let server: Server
let idp: TestIssuer
let remote: TestIssuer
let authority: string

beforeAll(async () => {
  authority = join(mkdtempSync(join(tmpdir(), 'authority-')), 'authority.pem')
  writeFileSync(authority, AUTHORITY)
  idp = await createIssuer()
  remote = await createIssuer('https://remote.test/', 'recordings', 'remote')
  server = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, (_, response) => {
    response.end(JSON.stringify(remote.jwks))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** Plays a recording with a token of the remote issuer. Returns the status, and what the gate said. */
async function play(env: Record<string, string>): Promise<{ status: number; said: string }> {
  const { port } = server.address() as AddressInfo
  const { issuer, audience } = remote
  const jwks_uri = `https://localhost:${port}/jwks`
  const entries = [
    ...JSON.parse(variables(idp).ISSUERS ?? ''),
    { issuer, audience, algorithms: ['ES256'], jwks_uri },
  ]
  const gate = await startGate({
    vars: { ...variables(idp), ISSUERS: JSON.stringify(entries) },
    // The machine of the test may have authorities of its own.
    env: { NODE_EXTRA_CA_CERTS: undefined, DENO_CERT: undefined, ...env },
  })
  try {
    const owner = { 'Mediaward-Owner-Issuer': issuer }
    await store(gate, idp, '/recordings/rec-1', 'patient-1', patterned(10), owner)
    const response = await fetch(`${gate.url}/recordings/rec-1`, {
      headers: await remote.bearer('patient-1'),
    })
    await response.arrayBuffer()
    return { status: response.status, said: gate.said() }
  } finally {
    await gate.stop()
  }
}

test.each(['NODE_EXTRA_CA_CERTS', 'DENO_CERT'])('%s names the authority of a key server', async name => {
  expect((await play({ [name]: authority })).status).toBe(200)
})

test('without its authority a key server is not trusted, and the operator reads why', async () => {
  const { status, said } = await play({})
  expect(status).toBe(503)
  const why = {
    node: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    deno: 'invalid peer certificate: UnknownIssuer',
    // The message of workerd itself is next to it.
    workerd: 'internal error; reference = ',
  }[RUNTIME]
  expect(said).toMatch(
    new RegExp(`keys of https://remote\\.test/: https://localhost:\\d+/jwks can't be fetched \\(.*${why}`),
  )
})
