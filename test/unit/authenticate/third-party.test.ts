import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { verifySignature } from '../../../src/authenticate/access-token.ts'
import { ALGORITHMS } from '../../../src/authenticate/issuer.ts'
import { parseToken } from '../../../src/authenticate/parse-token.ts'

// Vectors of third parties, which are read if they are present beside the checkout: Wycheproof's JSON web signatures and the
// examples of RFC 7520. Their payloads hold no claims, so they go to the verifier of signatures.

const SHARED = new URL('../../../../shared/vectors/third-party/', import.meta.url)
const here = existsSync(SHARED)
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, SHARED), 'utf8'))

interface Group {
  readonly type: string
  readonly public?: { keys?: object[] } & Record<string, unknown>
  readonly private?: Record<string, unknown>
  readonly tests: readonly { tcId: number; comment: string; jws: string; result: string; flags?: string[] }[]
}

async function verdict(jws: string, key: object): Promise<boolean> {
  const keys = 'keys' in key ? (key as never) : ({ keys: [key] } as never)
  return (await verifySignature(jws, keys, ALGORITHMS)) === undefined
}

// Figures of RFC 7520 with keys that name another algorithm (PS256 for a PS384 signature) or none ("ES521"): a key is
// used with its own algorithm only (RFC 8725 3.1), so they are refused here.
const KEY_NAMES_ANOTHER_ALGORITHM = ['346 Figure20', '347 Figure27', '350 Figure20', '351 Figure27']

describe.skipIf(!here)('Wycheproof JSON web signatures', () => {
  const groups = here
    ? (read('wycheproof/json_web_signature_test.json') as { testGroups: Group[] }).testGroups
    : []

  test('Wycheproof signatures are verified as their vectors say, except by HMAC keys and keys of other algorithms', async () => {
    const accepted: string[] = []
    const refused: string[] = []
    let count = 0
    for (const group of groups) {
      const key = group.public ?? group.private
      if (key === undefined) continue
      for (const { tcId, comment, jws, result } of group.tests) {
        count++
        const ok = typeof jws === 'string' && (await verdict(jws, key))
        if (ok && result === 'invalid') accepted.push(`${tcId} ${comment}`)
        // HMAC keys are never taken from a set: everyone who can read it could sign with them.
        if (!ok && result === 'valid' && key.kty !== 'oct') refused.push(`${tcId} ${comment}`)
      }
    }
    expect(count).toBeGreaterThan(300)
    expect(accepted).toEqual([])
    expect(refused).toEqual(KEY_NAMES_ANOTHER_ALGORITHM)
  })
})

describe.skipIf(!here)('RFC 7520', () => {
  test.each([
    ['4_1.rsa_v15_signature.json', true],
    ['4_2.rsa-pss_signature.json', true],
    ['4_3.ecdsa_signature.json', true],
    ['4_4.hmac-sha2_integrity_protection.json', false],
  ])('the RFC 7520 example %s verifies (%s), but never if altered', async (file, good) => {
    const { input, output } = read(`jose-cookbook/jws/${file}`) as {
      input: { key: Record<string, unknown> }
      output: { compact: string }
    }
    const { d: _, ...key } = input.key
    expect(await verdict(output.compact, key)).toBe(good)
    const [header, payload, signature] = output.compact.split('.')
    const flipped = `${header}.${payload}.${signature?.startsWith('A') ? 'B' : 'A'}${signature?.slice(1)}`
    expect(await verdict(flipped, key)).toBe(false)
    // Their payload is prose, so they are not JWTs.
    expect(parseToken(output.compact)).toBeUndefined()
  })
})
