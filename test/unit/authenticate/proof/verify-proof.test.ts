import { base64url, calculateJwkThumbprint } from 'jose'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ALGORITHMS } from '../../../../src/authenticate/issuer.ts'
import { type ProvenRequest, verifyProof } from '../../../../src/authenticate/proof/verify-proof.ts'
import { TokenRefusal } from '../../../../src/authenticate/token-refusal.ts'
import { createProver, createRsaProver, type Said } from '../../../support/prover.ts'

const NOW = 1_800_000_000
const request: ProvenRequest = {
  method: 'GET',
  url: 'https://gate.test/recordings/rec-1',
  token: 'a.good.token',
  at: NOW * 1000,
}
const client = await createProver()
const made = { url: request.url, token: request.token, at: NOW }

/** The outcome of a proof: `good`, or the reason and the claim. */
async function outcome(proof: string | null, more: Partial<ProvenRequest> = {}): Promise<string> {
  const verified = await verifyProof(proof, { ...request, ...more })
  if (!(verified instanceof TokenRefusal)) return 'good'
  return [verified.reason, verified.facts.claim].filter(word => word !== undefined).join(' ')
}
const saying = async (said: Said) => outcome(await client.proof(made, said))

const encode = (value: unknown) => base64url.encode(JSON.stringify(value))
const decode = (part = '') => JSON.parse(new TextDecoder().decode(base64url.decode(part)))

describe('the examples of RFC 9449', () => {
  const key = {
    kty: 'EC',
    x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
    y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
    crv: 'P-256',
  }
  const header =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
  const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
  const forResource = {
    method: 'GET',
    url: 'https://resource.example.org/protectedresource',
    token,
    at: 1_562_262_618_000,
  }
  /** Figure 13. */
  const proof = `${header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`
  /** Figure 2. */
  const forToken = `${header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`

  test('the proof of section 7.1 is good, and of the key with the thumbprint of section 6.1', async () => {
    expect(decode(header)).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk: key })
    expect(await verifyProof(proof, forResource)).toEqual({
      thumbprint: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
      id: 'e1j3V_bKic8-LAEB',
    })
  })

  test.each<[string, Partial<ProvenRequest>, string]>([
    ['another method', { method: 'POST' }, 'htm'],
    ['another URL', { url: 'https://resource.example.org/another' }, 'htu'],
    ['another token', { token: `${token}x` }, 'ath'],
    ['61 seconds later', { at: 1_562_262_679_000 }, 'iat'],
  ])('the proof of section 7.1 is refused for %s', async (_, more, claim) => {
    expect(await outcome(proof, { ...forResource, ...more })).toBe(`proof_invalid ${claim}`)
  })

  test('the proof of section 4.1 is refused for a resource, as it is for a token request', async () => {
    const forTokens = { ...forResource, method: 'POST', url: 'https://server.example.com/token' }
    expect(await outcome(forToken, forTokens)).toBe('proof_invalid ath')
  })
})

test('the thumbprint of the key of RFC 7638 3.1 is that of the RFC', async () => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
  const key = { kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }
  expect(await calculateJwkThumbprint(key)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
})

describe('verifyProof', () => {
  test('a request without a proof is refused', async () => {
    expect(await outcome(null)).toBe('proof_missing')
  })

  test('the id and the thumbprint of a good proof are those of its claims and its key', async () => {
    const proof = await client.proof(made, { claims: { jti: 'one' } })
    expect(await verifyProof(proof, request)).toEqual({ thumbprint: client.cnf.jkt, id: 'one' })
  })

  test.each(ALGORITHMS)('a proof that is signed with %s is good', async alg => {
    const prover = await createProver(alg)
    expect(await outcome(await prover.proof(made))).toBe('good')
  })

  test.each<[string, (proof: string) => string]>([
    ['an empty header', () => ''],
    ['what is not a JWT', () => 'a.b.c'],
    ['two proofs, as two headers arrive', proof => `${proof}, ${proof}`],
    ['a proof with white space before it', proof => ` ${proof}`],
    ['a proof with padding', proof => `${proof}==`],
    ['a proof without its signature', proof => proof.slice(0, proof.lastIndexOf('.') + 1)],
    ['a proof with a fourth part', proof => `${proof}.e30`],
    ['a proof in quotes', proof => `"${proof}"`],
  ])('%s is refused as a malformed proof', async (_, change) => {
    expect(await outcome(change(await client.proof(made)))).toBe('proof_invalid')
  })

  test('a proof of 8192 characters is read, and a longer one is not', async () => {
    const of = async (padding: number) => client.proof(made, { header: { x: 'x'.repeat(padding) } })
    const short = await of(1)
    const fitting = await of(Math.floor(((8192 - short.length) * 3) / 4))
    expect(fitting.length).toBeGreaterThan(8188)
    expect(await outcome(fitting)).toBe('good')
    expect(await outcome(await of(Math.floor(((8196 - short.length) * 3) / 4)))).toBe('proof_invalid')
  })

  test('a proof whose JSON is nested deeper than a token may be is refused', async () => {
    const deep = JSON.parse('['.repeat(20) + ']'.repeat(20))
    expect(await saying({ claims: { deep } })).toBe('proof_invalid')
  })

  test.each<[string, Said, string]>([
    ['no type', { header: { typ: undefined } }, 'typ'],
    ['the type of an access token', { header: { typ: 'at+jwt' } }, 'typ'],
    ['the type of any JWT', { header: { typ: 'JWT' } }, 'typ'],
    ['a list as its type', { header: { typ: ['dpop+jwt'] } }, 'typ'],
    ['no key', { header: { jwk: undefined } }, 'jwk'],
    ['null for its key', { header: { jwk: null } }, 'jwk'],
    ['a string for its key', { header: { jwk: 'key' } }, 'jwk'],
    ['a list for its key', { header: { jwk: [client.jwk] } }, 'jwk'],
    ['a key of no known type', { header: { jwk: { kty: 'OCT' } } }, 'jwk'],
    ['a key without its x', { header: { jwk: { ...client.jwk, x: undefined } } }, 'jwk'],
    ['a key that is not on its curve', { header: { jwk: { ...client.jwk, x: client.jwk.y } } }, 'jwk'],
    [
      'a key on another curve than its algorithm has',
      { header: { jwk: { ...client.jwk, crv: 'P-384' } } },
      'jwk',
    ],
    ['a key that is for encryption', { header: { jwk: { ...client.jwk, use: 'enc' } } }, 'jwk'],
    ['a key of another algorithm', { header: { jwk: { ...client.jwk, alg: 'ES384' } } }, 'jwk'],
    ['a key that may not verify', { header: { jwk: { ...client.jwk, key_ops: ['sign'] } } }, 'jwk'],
    ['no jti', { claims: { jti: undefined } }, 'jti'],
    ['an empty jti', { claims: { jti: '' } }, 'jti'],
    ['a number for its jti', { claims: { jti: 7 } }, 'jti'],
    ['a jti of 256 characters', { claims: { jti: 'x'.repeat(256) } }, 'jti'],
    ['no method', { claims: { htm: undefined } }, 'htm'],
    ['another method', { claims: { htm: 'POST' } }, 'htm'],
    ['its method in small letters', { claims: { htm: 'get' } }, 'htm'],
    ['a list with its method', { claims: { htm: ['GET'] } }, 'htm'],
    ['no URL', { claims: { htu: undefined } }, 'htu'],
    ['the URL of another recording', { claims: { htu: 'https://gate.test/recordings/rec-2' } }, 'htu'],
    ['the URL of another host', { claims: { htu: 'https://evil.test/recordings/rec-1' } }, 'htu'],
    ['a path for its URL', { claims: { htu: '/recordings/rec-1' } }, 'htu'],
    ['a list with its URL', { claims: { htu: [request.url] } }, 'htu'],
    ['no time', { claims: { iat: undefined } }, 'iat'],
    ['a string for its time', { claims: { iat: String(NOW) } }, 'iat'],
    ['a time 61 s ago', { claims: { iat: NOW - 61 } }, 'iat'],
    ['a time 6 s ahead', { claims: { iat: NOW + 6 } }, 'iat'],
    ['a time in milliseconds', { claims: { iat: NOW * 1000 } }, 'iat'],
    ['an end that is over', { claims: { exp: NOW } }, 'exp'],
    ['an end that is a string', { claims: { exp: String(NOW + 60) } }, 'exp'],
    ['a beginning 6 s ahead', { claims: { nbf: NOW + 6 } }, 'nbf'],
    ['a beginning that is a string', { claims: { nbf: '0' } }, 'nbf'],
    ['no hash of the token', { claims: { ath: undefined } }, 'ath'],
    ['an empty hash', { claims: { ath: '' } }, 'ath'],
    ['the hash of another token', { claims: { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' } }, 'ath'],
    ['the token itself for its hash', { claims: { ath: request.token } }, 'ath'],
  ])('a proof with %s is refused', async (_, said, claim) => {
    expect(await saying(said)).toBe(`proof_invalid ${claim}`)
  })

  test.each<[string, Said]>([
    ['a time 60 s ago', { claims: { iat: NOW - 60 } }],
    ['a time 5 s ahead', { claims: { iat: NOW + 5 } }],
    ['a time in fractions of a second', { claims: { iat: NOW - 0.5 } }],
    ['an end that is not over', { claims: { exp: NOW + 1 } }],
    ['a nonce that the gate did not ask for', { claims: { nonce: 'eyJ7S_zG.eyJH0-Z.HX4w-7v' } }],
    ['further claims', { claims: { sub: 'patient-1', x: {} } }],
    ['a jti of 255 characters', { claims: { jti: 'x'.repeat(255) } }],
    ['a kid', { header: { kid: 'one' } }],
    ['a key that says what it is for', { header: { jwk: { ...client.jwk, use: 'sig', alg: 'ES256' } } }],
    ['its URL with a query and a fragment', { claims: { htu: `${request.url}?a=b#c` } }],
    [
      'its host in capital letters and its default port',
      { claims: { htu: 'HTTPS://GATE.TEST:443/recordings/rec-1' } },
    ],
  ])('a proof with %s is good', async (_, said) => {
    expect(await saying(said)).toBe('good')
  })

  test('a proof with an extension that must be understood is refused', async () => {
    const [, payload, signature] = (await client.proof(made)).split('.')
    const header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: client.jwk, crit: ['x'], x: 1 })
    expect(await outcome(`${header}.${payload}.${signature}`)).toBe('proof_invalid crit')
  })

  test('a proof that another key signed is refused', async () => {
    const thief = await createProver()
    const proof = await thief.proof(made, { header: { jwk: client.jwk } })
    expect(await outcome(proof)).toBe('proof_invalid')
  })

  test.each(['none', 'None', 'HS256', 'HS512', 'ES256K', 'RSA1_5', '', undefined, 7, ['ES256']])(
    'a proof with the algorithm %j is refused',
    async alg => {
      const [, payload, signature] = (await client.proof(made)).split('.')
      const header = encode({ typ: 'dpop+jwt', alg, jwk: client.jwk })
      expect(await outcome(`${header}.${payload}.${signature}`)).toBe('proof_invalid alg')
    },
  )

  test('a secret key in a proof is refused, as everyone can read it there', async () => {
    const [, payload] = (await client.proof(made)).split('.')
    const jwk = { kty: 'oct', k: base64url.encode('a secret of 32 characters, or so') }
    const header = encode({ typ: 'dpop+jwt', alg: 'HS256', jwk })
    const signed = new TextEncoder().encode(`${header}.${payload}`)
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
    const signature = base64url.encode(new Uint8Array(await crypto.subtle.sign('HMAC', key, signed)))
    expect(await outcome(`${header}.${payload}.${signature}`)).toBe('proof_invalid alg')
    const asymmetric = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    expect(await outcome(`${asymmetric}.${payload}.${signature}`)).toBe('proof_invalid jwk')
  })

  test.each(['ES256', 'RS256', 'Ed25519'])(
    'a proof with the private key of %s in it is refused, whichever private member is there',
    async alg => {
      const prover = await createProver(alg)
      const hidden = Object.entries(prover.secret).filter(([member]) => !(member in prover.jwk))
      expect(hidden.map(([member]) => member)).toContain('d')
      for (const [member, secret] of hidden) {
        for (const value of [secret, '', null]) {
          const said = { header: { jwk: { ...prover.jwk, [member]: value } } }
          expect(await outcome(await prover.proof(made, said))).toBe('proof_invalid jwk')
        }
      }
    },
  )

  test.each([
    [1024, 'proof_invalid jwk'],
    [2047, 'proof_invalid jwk'],
    [2048, 'good'],
    [4096, 'good'],
    // A caller chooses the key, and with it how long the gate works.
    [4104, 'proof_invalid jwk'],
  ])('of a proof with an RSA key of %i bits the outcome is %s', async (modulusLength, expected) => {
    const prover = await createRsaProver(modulusLength)
    expect(await outcome(await prover.proof(made))).toBe(expected)
  })

  test.each<[string, (n: string | undefined) => string | undefined]>([
    ['a large exponent, which takes long to verify', n => n],
    ['the exponent 1, with which anyone can sign', () => 'AQ'],
    ['the exponent 3', () => 'Aw'],
    ['an exponent with a zero byte before it', () => 'AAEAAQ'],
    ['no exponent', () => undefined],
  ])('an RSA key with %s is refused before it is used', async (_, exponent) => {
    const prover = await createProver('RS256')
    const jwk = { ...prover.jwk, e: exponent(prover.jwk.n) }
    const importKey = vi.spyOn(crypto.subtle, 'importKey')
    onTestFinished(() => importKey.mockRestore())
    expect(await outcome(await prover.proof(made, { header: { jwk } }))).toBe('proof_invalid jwk')
    expect(importKey).not.toHaveBeenCalled()
  })

  test('a proof that was made without the key, which the exponent 1 permits, is refused', async () => {
    const { n } = (await createProver('RS256')).jwk
    const header = encode({ typ: 'dpop+jwt', alg: 'RS256', jwk: { kty: 'RSA', n, e: 'AQ' } })
    const [, payload] = (await client.proof(made)).split('.')
    const signed = new TextEncoder().encode(`${header}.${payload}`)
    // RFC 8017 9.2: what the signature must be, raised to the first power.
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', signed))
    const algorithm = Buffer.from('3031300d060960864801650304020105000420', 'hex')
    const padding = Buffer.alloc(256 - 3 - algorithm.length - digest.length, 0xff)
    const signature = Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), algorithm, digest])
    expect(await outcome(`${header}.${payload}.${base64url.encode(signature)}`)).toBe('proof_invalid jwk')
  })
})
