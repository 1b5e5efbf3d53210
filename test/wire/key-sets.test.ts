import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, patterned, store, variables } from '../support/gate-client.ts'

// Key sets as real issuers publish them, found in each of the ways that an entry can name. Runtimes import keys with code
// of their own, so each shape is tried on each of them.

const { publicKey: rsaPublic, privateKey: rsaPrivate } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { publicKey: edPublic, privateKey: edPrivate } = generateKeyPairSync('ed25519')
const short = shortPoint()
const RSA = { ...rsaPublic.export({ format: 'jwk' }), kid: 'k', use: 'sig' } as const
const ED = { ...edPublic.export({ format: 'jwk' }), kid: 'k', use: 'sig' } as const
const EC = { ...short.publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig' } as const

/** A key of which a coordinate begins with a zero byte. */
function shortPoint() {
  for (;;) {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    if (Buffer.from(`${pair.publicKey.export({ format: 'jwk' }).x}`, 'base64url')[0] === 0) return pair
  }
}
const bytes = (value: unknown) => Buffer.from(String(value), 'base64url')

interface Shape {
  readonly alg: string
  readonly algorithms?: readonly string[]
  readonly key: KeyObject
  readonly jwks: object
  readonly kid?: string | undefined
}
const rsa = (jwk: object, more: Partial<Shape> = {}): Shape => ({
  alg: 'RS256',
  key: rsaPrivate,
  jwks: { keys: [jwk] },
  ...more,
})
const ed = (alg: string, algorithms: readonly string[], jwk: object): Shape => ({
  alg,
  algorithms,
  key: edPrivate,
  jwks: { keys: [jwk] },
})
const { kid: _, ...UNNAMED } = RSA

const SHAPES: Readonly<Record<string, Shape>> = {
  'numbers in padded base64': rsa({ ...RSA, n: bytes(RSA.n).toString('base64'), e: 'AQAB' }),
  'a zero byte in front of n': rsa({
    ...RSA,
    n: Buffer.concat([Buffer.of(0), bytes(RSA.n)]).toString('base64url'),
  }),
  'null members': rsa({ ...UNNAMED, kid: null, use: null, alg: null, key_ops: null }),
  'operations of both halves': rsa({ ...RSA, key_ops: ['sign', 'verify'] }),
  'a key without an id': rsa(UNNAMED),
  'a token without an id': rsa(RSA, { kid: undefined }),
  'keys of unknown types beside': rsa(RSA, {
    jwks: { keys: [{ kty: 'AKP', alg: 'ML-DSA-65', pub: 'AA' }, { kty: 'EC', crv: 'secp256k1' }, null, RSA] },
  }),
  'an encryption key of the same id in front': rsa(RSA, {
    jwks: { keys: [{ ...RSA, n: `A${RSA.n?.slice(1)}`, use: 'enc' }, RSA] },
  }),
  'an EC coordinate without its zero byte': {
    alg: 'ES256',
    key: short.privateKey,
    jwks: { keys: [{ ...EC, x: bytes(EC.x).subarray(1).toString('base64url') }] },
  },
  'EdDSA by a key of Ed25519': ed('EdDSA', ['EdDSA'], { ...ED, alg: 'Ed25519' }),
  'Ed25519 by a key of EdDSA': ed('Ed25519', ['Ed25519'], { ...ED, alg: 'EdDSA' }),
}

let server: Server
let gate: RunningGate
const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const slug = (name: string) => name.replaceAll(' ', '-')
const asked: string[] = []

function token(issuer: string, shape: Shape): string {
  const now = Math.floor(Date.now() / 1000)
  const kid = 'kid' in shape ? shape.kid : 'k'
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: issuer, aud: 'recordings', sub: 'patient-1', iat: now, exp: now + 600 }
  const signed = `${encode({ alg: shape.alg, ...(kid !== undefined && { kid }) })}.${encode(claims)}`
  const hash = shape.alg.startsWith('Ed') ? null : 'sha256'
  const signature = sign(hash, Buffer.from(signed), { key: shape.key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

/** Issuers whose keys are discovered, by the path of their document below `base()`. */
const DISCOVERED: Readonly<Record<string, string>> = {
  '/openid': '/openid/.well-known/openid-configuration',
  '/openid-slash/': '/openid-slash/.well-known/openid-configuration',
  '/oauth/tenant': '/.well-known/oauth-authorization-server/oauth/tenant',
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const issuer = Object.keys(DISCOVERED).find(one => DISCOVERED[one] === path)
    const shape = Object.keys(SHAPES).find(name => path === `/${slug(name)}`)
    const document =
      issuer !== undefined
        ? { issuer: base() + issuer, jwks_uri: `${base()}/discovered` }
        : path === '/discovered'
          ? { keys: [RSA] }
          : shape && SHAPES[shape]?.jwks
    if (document === undefined) response.writeHead(404)
    response.end(JSON.stringify(document ?? {}))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const idp = await createIssuer()
  const audience = 'recordings'
  const issuers = [
    ...JSON.parse(variables(idp).ISSUERS ?? ''),
    ...Object.entries(SHAPES).map(([name, { alg, algorithms = [alg] }]) => {
      return { issuer: `https://${slug(name)}/`, audience, algorithms, jwks_uri: `${base()}/${slug(name)}` }
    }),
    ...Object.keys(DISCOVERED).map(path => {
      return { issuer: base() + path, audience, algorithms: ['RS256'], discovery: true }
    }),
  ]
  gate = await startGate({ vars: { ...variables(idp), ISSUERS: JSON.stringify(issuers) } })
  for (const [index, { issuer }] of issuers.entries()) {
    const owner = { 'Mediaward-Owner-Issuer': issuer }
    await store(gate, idp, `/recordings/rec-${index}`, 'patient-1', patterned(10), owner)
    recordings.set(issuer, `/recordings/rec-${index}`)
  }
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await gate.stop()
})

const recordings = new Map<string, string>()

async function play(issuer: string, shape: Shape): Promise<number> {
  const response = await fetch(gate.url + recordings.get(issuer), {
    headers: { Authorization: `Bearer ${token(issuer, shape)}` },
  })
  await response.arrayBuffer()
  return response.status
}

describe('a recording plays with a token by a key set with', () => {
  test.each(Object.entries(SHAPES))('%s', async (name, shape) => {
    expect(await play(`https://${slug(name)}/`, shape)).toBe(200)
  })
})

describe('discovery', () => {
  test.each(Object.entries(DISCOVERED))(
    'a recording plays with a token of the issuer %s',
    async (path, document) => {
      expect(await play(base() + path, rsa(RSA))).toBe(200)
      expect(asked).toContain(document)
    },
  )
})
