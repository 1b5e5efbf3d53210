import fc from 'fast-check'
import { type Dictionary, parseDictionary } from 'structured-headers'
import { expect, test } from 'vitest'
import { digestFields } from '../../src/http/digest-fields.ts'
import { Refusal } from '../../src/refusal.ts'
import { sample } from '../support/sample.ts'

// Digests in headers, next to a parser of Structured Fields (RFC 9651) that others wrote.

const HELLO = 'RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg='

/** What the other parser finds: a SHA-256 in hexadecimal, none, or a mistake. */
function expected(header: string): string {
  const digests = parsed(header)
  const [digest] = digests?.get('sha-256') ?? []
  if (digests !== undefined && digests.size > 0 && digest === undefined) return 'none'
  if (digest instanceof ArrayBuffer && digest.byteLength === 32) return Buffer.from(digest).toString('hex')
  return 'malformed'
}

function parsed(header: string): Dictionary | undefined {
  try {
    return parseDictionary(header)
  } catch {
    return undefined
  }
}

/** Whether each member is what RFC 9530 allows, with parameters of the forms that are read. */
function isOfDigests(header: string): boolean {
  return [...(parsed(header)?.values() ?? [])].every(
    ([item, parameters]) =>
      item instanceof ArrayBuffer &&
      [...parameters.values()].every(one => /^(true|[a-z][a-z0-9]*|[0-9]+)$/.test(`${one}`)),
  )
}

function found(header: string): string {
  const digest = digestFields(new Headers({ 'Content-Digest': header }))
  return digest instanceof Refusal ? 'malformed' : (digest ?? 'none')
}

const PIECES = [
  ...[
    'sha-256',
    'sha-512',
    'md5',
    '*a',
    'SHA-256',
    '=',
    ',',
    ', ',
    ';',
    ' ',
    '\\t',
    ':',
    '"',
    '\\\\',
    '(',
    ')',
    '?1',
    '@1',
    '%',
  ],
  ...[
    '1',
    '-1.5',
    'token',
    '"a,b"',
    '"a\\\\"b"',
    `:${HELLO}:`,
    `:${HELLO.slice(0, -1)}:`,
    ':AAAA:',
    '::',
    'x*',
    '/',
    '~',
    'é',
  ],
]
const header = fc
  .oneof(
    fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }),
    // Members that are almost right.
    fc.array(fc.constantFrom('sha-256=', 'md5=', `:${HELLO}:`, ':AAAA:', ', ', ';p=1', ';q', ' ', '"a,b"'), {
      maxLength: 12,
    }),
  )
  .map(pieces => pieces.join(''))
  // A header can't have others, and its ends are trimmed.
  .filter(value => /^[\\t -~é]*$/.test(value))

test('a digest is read as another parser of Structured Fields reads it, or is refused', () => {
  fc.assert(
    fc.property(header, value => {
      const field = value.replace(/^[\t ]+|[\t ]+$/g, '')
      const [own, other] = [found(value), expected(field)]
      // Of two members with one key the other parser hides the first, which may be no digest.
      const keys = field.split(',').map(member => member.trim().split('=')[0])
      if (own === 'malformed' && new Set(keys).size < keys.length) return
      expect([value, own]).toEqual([value, isOfDigests(field) ? other : 'malformed'])
    }),
    sample(20_000, 1_000_000),
  )
})
