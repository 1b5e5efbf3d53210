import { base64url, CompactEncrypt, compactDecrypt } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { createTickets, type Ticket } from '../../../src/ticket/ticket.ts'

const SECRET = 'a ticket key of the tests, long enough to be one'
const OTHER = 'another ticket key of the tests, long enough too'

const ticket: Ticket = {
  id: '0197f2c4-8a10-7cc3-9a3e-2b1c5d7e9f01',
  recording: 'rec-1',
  location: 0,
  subject: { id: 'patient-1', issuer: 'https://login.clinic.test/', roles: [], token: 'token-1' },
  expires: 1_800_000_000,
}
const keyOf = async (secret: string) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret)))
const encrypted = (key: Uint8Array, plaintext: string, header: object = {}) =>
  new CompactEncrypt(new TextEncoder().encode(plaintext))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...header })
    .encrypt(key)

test('an issued ticket can be read by the gate, and shows nothing of its content to its holder', async () => {
  const tickets = createTickets([SECRET])
  const issued = await tickets.issue(ticket)
  expect(await tickets.read(issued)).toEqual(ticket)
  expect(await createTickets([SECRET]).read(issued)).toEqual(ticket)
  expect(issued).toMatch(/^[\w-]{16}\.[\w-]+\.[\w-]{22}$/)
  expect(Buffer.from(issued.split('.')[1] ?? '', 'base64url').toString('latin1')).not.toMatch(/patient|rec/)
})

test('no two tickets are alike', async () => {
  const tickets = createTickets([SECRET])
  expect(new Set(await Promise.all(Array.from({ length: 20 }, () => tickets.issue(ticket)))).size).toBe(20)
})

test('a ticket is a JWE without its header, which is always the same, under a key for tickets alone', async () => {
  const jwe = await encrypted(await keyOf(`mediaward ticket\n${SECRET}`), JSON.stringify(ticket))
  const header = base64url.encode('{"alg":"dir","enc":"A256GCM"}')
  expect(jwe.startsWith(`${header}..`)).toBe(true)
  expect(await createTickets([SECRET]).read(jwe.slice(header.length + 2))).toEqual(ticket)
  const issued = `${header}..${await createTickets([SECRET]).issue(ticket)}`
  const { plaintext, protectedHeader } = await compactDecrypt(
    issued,
    await keyOf(`mediaward ticket\n${SECRET}`),
  )
  expect(protectedHeader).toEqual({ alg: 'dir', enc: 'A256GCM' })
  expect(JSON.parse(new TextDecoder().decode(plaintext))).toEqual(ticket)
})

const tickets = createTickets([SECRET])
const issued = await tickets.issue(ticket)

describe('rejected tickets', () => {
  test('a ticket under another key, under the bare secret, or with another header is not read', async () => {
    expect(await createTickets([OTHER]).read(issued)).toBeUndefined()
    const bare = await encrypted(await keyOf(SECRET), JSON.stringify(ticket))
    const zipped = await encrypted(await keyOf(`mediaward ticket\n${SECRET}`), JSON.stringify(ticket), {
      kid: 'x',
    })
    for (const jwe of [bare, zipped]) {
      expect(await tickets.read(jwe.slice(jwe.indexOf('..') + 2))).toBeUndefined()
    }
  })

  test('a ticket of which one character differs is not read', async () => {
    for (let at = 0; at < issued.length; at += 7) {
      const other = issued[at] === 'A' ? 'B' : 'A'
      const forged = issued.slice(0, at) + other + issued.slice(at + 1)
      expect(await tickets.read(forged), forged).toBeUndefined()
    }
  })

  test('a ticket under the right key that is not JSON is not read', async () => {
    const jwe = await encrypted(await keyOf(`mediaward ticket\n${SECRET}`), 'this is no ticket, {')
    expect(await tickets.read(jwe.slice(jwe.indexOf('..') + 2))).toBeUndefined()
  })

  test.each([
    ['no characters', ''],
    ['no dots', 'A'.repeat(80)],
    ['a short nonce', `${'A'.repeat(15)}.${'A'.repeat(24)}.${'A'.repeat(22)}`],
    ['a long nonce', `${'A'.repeat(17)}.${'A'.repeat(24)}.${'A'.repeat(22)}`],
    ['too short a ciphertext', `${'A'.repeat(16)}.${'A'.repeat(23)}.${'A'.repeat(22)}`],
    ['too long a ciphertext', `${'A'.repeat(16)}.${'A'.repeat(7901)}.${'A'.repeat(22)}`],
    ['a short tag', `${'A'.repeat(16)}.${'A'.repeat(24)}.${'A'.repeat(21)}`],
    ['a long tag', `${'A'.repeat(16)}.${'A'.repeat(24)}.${'A'.repeat(23)}`],
    ['base64 instead of base64url', `${'A'.repeat(16)}.${'A'.repeat(23)}+.${'A'.repeat(22)}`],
    ['a space behind it', `${issued} `],
    ['a space before it', ` ${issued}`],
  ])('a ticket with %s is not decrypted at all', async (_, encoded) => {
    const decrypt = vi.spyOn(crypto.subtle, 'decrypt')
    try {
      expect(await tickets.read(encoded)).toBeUndefined()
      expect(decrypt).not.toHaveBeenCalled()
    } finally {
      decrypt.mockRestore()
    }
  })
})

test('a ticket that was read once is not decrypted again, for up to 1000 tickets', async () => {
  const tickets = createTickets([SECRET])
  const all = await Promise.all(Array.from({ length: 1001 }, () => tickets.issue(ticket)))
  const decrypt = vi.spyOn(crypto.subtle, 'decrypt')
  try {
    const first = await tickets.read(all[0] ?? '')
    expect(await tickets.read(all[0] ?? '')).toBe(first)
    expect(decrypt).toHaveBeenCalledTimes(1)
    for (const issued of all.slice(1)) await tickets.read(issued)
    expect(decrypt).toHaveBeenCalledTimes(1001)
    await tickets.read(all[1] ?? '')
    expect(decrypt).toHaveBeenCalledTimes(1001)
    await tickets.read(all[0] ?? '')
    expect(decrypt).toHaveBeenCalledTimes(1002)
  } finally {
    decrypt.mockRestore()
  }
})

test('the keys of tickets are derived once, when the first ticket needs them', async () => {
  const digest = vi.spyOn(crypto.subtle, 'digest')
  try {
    const tickets = createTickets([SECRET, OTHER])
    expect(digest).not.toHaveBeenCalled()
    await tickets.issue(ticket)
    await tickets.issue(ticket)
    expect(digest).toHaveBeenCalledTimes(2)
  } finally {
    digest.mockRestore()
  }
})

test('tickets are encrypted with the first key, and decrypted with any of the keys', async () => {
  const old = await createTickets([OTHER]).issue(ticket)
  const rotated = createTickets([SECRET, OTHER])
  expect(await rotated.read(old)).toEqual(ticket)
  expect(await createTickets([SECRET]).read(await rotated.issue(ticket))).toEqual(ticket)
  expect(await createTickets([OTHER]).read(await rotated.issue(ticket))).toBeUndefined()
})

test('a ticket that would be too long to be read is not issued', async () => {
  const tickets = createTickets([SECRET])
  const session = (length: number) => ({
    ...ticket,
    subject: { ...ticket.subject, session: 's'.repeat(length) },
  })
  const room = Math.floor((7900 * 3) / 4) - JSON.stringify(session(0)).length
  const longest = await tickets.issue(session(room))
  expect(await tickets.read(longest)).toEqual(session(room))
  await expect(tickets.issue(session(room + 1))).rejects.toThrow('the ticket is too long')
})

test('no ticket is issued or read without a secret', async () => {
  const tickets = createTickets([])
  await expect(tickets.issue(ticket)).rejects.toThrow('no key to encrypt tickets with')
  expect(await tickets.read(await createTickets([SECRET]).issue(ticket))).toBeUndefined()
})
