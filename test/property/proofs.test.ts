import fc from 'fast-check'
import { base64url } from 'jose'
import { expect, test } from 'vitest'
import { type ProvenRequest, verifyProof } from '../../src/authenticate/proof/verify-proof.ts'
import { TokenRefusal } from '../../src/authenticate/token-refusal.ts'
import { createProver } from '../support/prover.ts'
import { sample } from '../support/sample.ts'

// A good proof, and everything that differs from it in one place.

const AT = 1_800_000_000
const request: ProvenRequest = {
  method: 'GET',
  url: 'https://gate.test/recordings/rec-1',
  token: 'a.good.token',
  at: AT * 1000,
}
const provers = await Promise.all(['ES256', 'RS256', 'Ed25519'].map(alg => createProver(alg)))
const proofs = await Promise.all(provers.map(prover => prover.proof({ ...request, at: AT })))
const isGood = async (proof: string, changed: Partial<ProvenRequest> = {}) =>
  !((await verifyProof(proof, { ...request, ...changed })) instanceof TokenRefusal)

const CHARACTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=,; "']
const aProof = fc.constantFrom(...proofs)

/** The bytes of a part. Its last character may be written in several ways: it has bits that no byte has. */
const bytesOf = (proof: string) => {
  try {
    return proof
      .split('.')
      .map(part => base64url.decode(part).join())
      .join('.')
  } catch {
    return proof
  }
}

test('the proofs themselves are good', async () => {
  for (const proof of proofs) expect(await isGood(proof)).toBe(true)
})

test('a proof with one other character is refused, unless it means the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      aProof,
      fc.nat(),
      fc.constantFrom(...CHARACTERS),
      fc.constantFrom(0, 1),
      async (proof, position, character, removed) => {
        const at = position % (proof.length + 1)
        const changed = proof.slice(0, at) + character + proof.slice(at + removed)
        fc.pre(changed !== proof && bytesOf(changed) !== bytesOf(proof))
        expect(await isGood(changed)).toBe(false)
      },
    ),
    sample(1500, 50_000),
  )
})

test('a proof from which something is cut out is refused', async () => {
  await fc.assert(
    fc.asyncProperty(aProof, fc.nat(), fc.integer({ min: 1, max: 80 }), async (proof, position, length) => {
      const at = position % proof.length
      expect(await isGood(proof.slice(0, at) + proof.slice(at + length))).toBe(false)
    }),
    sample(500, 20_000),
  )
})

test('a proof that is signed again with one claim or parameter changed is refused', async () => {
  const value = fc.oneof(
    fc.constant(undefined),
    fc.jsonValue().map(json => json ?? undefined),
    fc.string(),
    fc.integer().map(number => AT + number),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('typ', 'jwk', 'jti', 'htm', 'htu', 'iat', 'ath'),
      value,
      async (name, changed) => {
        const [prover] = provers
        const said = name === 'typ' || name === 'jwk' ? 'header' : 'claims'
        const proof = await prover?.proof({ ...request, at: AT }, { [said]: { [name]: changed } })
        const isAnId = name === 'jti' && typeof changed === 'string' && changed !== '' && changed.length < 256
        const isSoon =
          name === 'iat' && typeof changed === 'number' && changed >= AT - 60 && changed <= AT + 5
        expect(await isGood(proof ?? '')).toBe(isAnId || isSoon)
      },
    ),
    sample(500, 20_000),
  )
})

test('a good proof is refused for any other request', async () => {
  const other = fc.oneof(
    fc.string().map(method => ({ method })),
    fc.webUrl().map(url => ({ url })),
    fc.string().map(token => ({ token })),
    fc.integer({ min: 61, max: AT }).map(later => ({ at: (AT + later) * 1000 })),
    fc.integer({ min: 6, max: AT }).map(earlier => ({ at: (AT - earlier) * 1000 })),
  )
  await fc.assert(
    fc.asyncProperty(aProof, other, async (proof, changed) => {
      expect(await isGood(proof, changed)).toBe(false)
    }),
    sample(500, 20_000),
  )
})
