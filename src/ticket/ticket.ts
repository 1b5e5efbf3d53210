import { base64url, CompactEncrypt, compactDecrypt } from 'jose'
import type { Subject } from '../authorize/subject.ts'
import { LruCache } from '../base/lru-cache.ts'

/**
 * Proves who asked for it, for one recording. It grants nothing: it replaces the token that it was issued for, and
 * every request that comes with it is decided again.
 */
export interface Ticket {
  /** The id of the record that it was issued. */
  readonly id: string
  readonly recording: string
  /** The index of the location that it was issued at, in the gate's list. */
  readonly location: number
  /**
   * The subject without its roles: a ticket permits what its subject may watch, and never storing or auditing. It
   * includes who acts for the subject, so that every record of the ticket names the actor.
   */
  readonly subject: Subject
  /** When it expires, in seconds since 1970. */
  readonly expires: number
  /** The network that it is valid in, as `networkPrefix` writes it. Absent if it is valid in all. */
  readonly network?: string
  /** The `User-Agent` that it is valid with. Absent if it is valid with any. */
  readonly agent?: string
}

/** Issues and reads tickets. */
export interface Tickets {
  /** Encrypts a ticket. Rejects if it would be too long to be read again, because its subject's claims are. */
  issue(ticket: Ticket): Promise<string>
  /** Decrypts a ticket. Undefined if the string is not a ticket of this gate. Does not check its time. */
  read(encrypted: string): Promise<Ticket | undefined>
}

/** The form of a ticket in a path or a cookie: nonce, ciphertext, tag. Bounds the work before anything is decrypted. */
export const TICKET: RegExp = /^[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{24,7900}\.[A-Za-z0-9_-]{22}$/

/**
 * A ticket is a JWE (RFC 7516) with this header and a key of the gate (`dir`). It is encrypted because proxies log URLs, and
 * a patient's id must not be in their logs. The header is always the same and left out, so a ticket can't ask for
 * another algorithm.
 */
const HEADER = { alg: 'dir', enc: 'A256GCM' } as const
const ENCODED_HEADER = `${base64url.encode(JSON.stringify(HEADER))}..`
const ONLY_OURS = { keyManagementAlgorithms: [HEADER.alg], contentEncryptionAlgorithms: [HEADER.enc] }

/** Most tickets that are cached in one isolate, so that a warm request decrypts nothing. */
const MAX_CACHED = 1000

/**
 * Creates what issues and reads tickets.
 *
 * @param secrets each at least 32 characters. The first encrypts, all decrypt: to replace a secret, add the new one in
 * front, and remove the old one when its last ticket has expired
 */
export function createTickets(secrets: readonly string[]): Tickets {
  return new EncryptedTickets(secrets)
}

class EncryptedTickets implements Tickets {
  readonly #secrets: readonly string[]
  readonly #cached = new LruCache<Ticket>(MAX_CACHED)
  #derived: Promise<readonly Uint8Array[]> | undefined

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets
  }

  async issue(ticket: Ticket): Promise<string> {
    const [key] = await this.#keys()
    if (key === undefined) throw new Error('no key to encrypt tickets with')
    const jwe = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(ticket)))
      .setProtectedHeader(HEADER)
      .encrypt(key)
    const encrypted = jwe.slice(ENCODED_HEADER.length)
    if (!TICKET.test(encrypted)) throw new Error('the ticket is too long')
    return encrypted
  }

  async read(encrypted: string): Promise<Ticket | undefined> {
    const cached = this.#cached.get(encrypted)
    if (cached !== undefined) return cached
    if (!TICKET.test(encrypted)) return undefined
    for (const key of await this.#keys()) {
      const ticket = await decrypt(encrypted, key)
      if (ticket === undefined) continue
      this.#cached.set(encrypted, ticket)
      return ticket
    }
    return undefined
  }

  /** Derives the keys when they are first needed: Workers allow no cryptography before the first request. */
  #keys(): Promise<readonly Uint8Array[]> {
    this.#derived ??= Promise.all(this.#secrets.map(deriveKey))
    return this.#derived
  }
}

/** Derives a key of 256 bits that only tickets use, even if the secret is used for something else too. */
async function deriveKey(secret: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(`mediaward ticket\n${secret}`)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

async function decrypt(encrypted: string, key: Uint8Array): Promise<Ticket | undefined> {
  try {
    const { plaintext } = await compactDecrypt(ENCODED_HEADER + encrypted, key, ONLY_OURS)
    // Authenticated: this version of the gate wrote it, or an earlier one with the same key.
    return JSON.parse(new TextDecoder().decode(plaintext)) as Ticket
  } catch {
    return undefined
  }
}
