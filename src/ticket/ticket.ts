import { base64url, CompactEncrypt, compactDecrypt } from 'jose'
import type { Subject } from '../authorize/subject.ts'
import { LruCache } from '../base/lru-cache.ts'

/**
 * Whom a ticket is proof of, and for which one recording. It grants nothing: it stands in for the token that it was
 * got with, and every request that comes with it is decided anew.
 */
export interface Ticket {
  /** The id of the record that it was issued. */
  readonly id: string
  readonly recording: string
  /** Which location of the gate's list it was issued at. */
  readonly location: number
  /**
   * Without roles: a ticket opens what its subject may watch, and never lets anyone store or audit. With the one that
   * acts for the subject, so that every record of the ticket names it.
   */
  readonly subject: Subject
  /** When it ends, in seconds since 1970. */
  readonly expires: number
  /** The network that it is good in, as `networkPrefix` writes it; absent where it is good in all. */
  readonly network?: string
  /** The `User-Agent` that it is good with; absent where it is good with any. */
  readonly agent?: string
}

/** Writes tickets, and reads them. */
export interface Tickets {
  /** Rejects where it would be longer than what is read again: its subject's claims are out of all proportion. */
  issue(ticket: Ticket): Promise<string>
  /** Undefined where the text is no ticket of ours. Says nothing about its time. */
  read(text: string): Promise<Ticket | undefined>
}

/** What a ticket looks like in a path or a cookie: nonce, text, tag. Bounded before anything is decrypted. */
const TICKET = /^[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{24,7900}\.[A-Za-z0-9_-]{22}$/

/**
 * A ticket is a JWE (RFC 7516) with this header and a key of ours (`dir`). Encrypted, as it stands in URLs that
 * proxies log, and a patient's id must not. The header is always the same, so it is left out: nobody can ask for
 * another algorithm.
 */
const HEADER = { alg: 'dir', enc: 'A256GCM' } as const
const PREFIX = `${base64url.encode(JSON.stringify(HEADER))}..`
const ALGORITHMS = { keyManagementAlgorithms: [HEADER.alg], contentEncryptionAlgorithms: [HEADER.enc] }

/** Most tickets remembered in one isolate, so that a warm request decrypts nothing. */
const MAX_REMEMBERED = 1000

/**
 * Makes the writer and reader of tickets.
 *
 * @param secrets each at least 32 characters. The first writes, all of them read: put a new one in front, and take the
 * old one away when its last ticket has ended
 */
export function createTickets(secrets: readonly string[]): Tickets {
  // Not made right away: Workers allow no cryptography before the first request.
  let keys: Promise<readonly Uint8Array[]> | undefined
  const remembered = new LruCache<Ticket>(MAX_REMEMBERED)
  const ring = () => {
    keys ??= Promise.all(secrets.map(keyOf))
    return keys
  }
  return {
    async issue(ticket) {
      const [key] = await ring()
      if (key === undefined) throw new Error('no key to write tickets with')
      const jwe = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(ticket)))
        .setProtectedHeader(HEADER)
        .encrypt(key)
      const text = jwe.slice(PREFIX.length)
      if (!TICKET.test(text)) throw new Error('a ticket came out too long')
      return text
    },

    async read(text) {
      const known = remembered.get(text)
      if (known !== undefined) return known
      if (!TICKET.test(text)) return undefined
      for (const key of await ring()) {
        const ticket = await decrypt(text, key)
        if (ticket === undefined) continue
        remembered.set(text, ticket)
        return ticket
      }
      return undefined
    },
  }
}

/** 256 bits of a secret text, good for tickets alone: a secret that is used elsewhere too gives other keys there. */
async function keyOf(secret: string): Promise<Uint8Array> {
  const text = new TextEncoder().encode(`mediaward ticket\n${secret}`)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', text))
}

async function decrypt(text: string, key: Uint8Array): Promise<Ticket | undefined> {
  try {
    const { plaintext } = await compactDecrypt(PREFIX + text, key, ALGORITHMS)
    // Written by us, or by an earlier version of us under the same key.
    return JSON.parse(new TextDecoder().decode(plaintext)) as Ticket
  } catch {
    return undefined
  }
}
