import * as base64url from 'jose/base64url'
import type { Subject } from '../authorize/subject.ts'
import { joined, sha256 } from '../base/bytes.ts'
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
  /** The release of the app that asked for it, as a header named it. Not proven: the subject has one that is. */
  readonly release?: string
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
 * another algorithm; it is authenticated with the content (RFC 7516 5.1).
 */
const HEADER = new TextEncoder().encode(base64url.encode('{"alg":"dir","enc":"A256GCM"}'))
/** Bytes of the nonce and of the tag (RFC 7518 5.3). */
const NONCE = 12
const TAG = 16

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
  #derived: Promise<readonly TicketKey[]> | undefined

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets
  }

  async issue(ticket: Ticket): Promise<string> {
    const [key] = await this.#keys()
    if (key === undefined) throw new Error('no key to encrypt tickets with')
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE))
    const plaintext = new TextEncoder().encode(JSON.stringify(ticket))
    const sealed = new Uint8Array(await crypto.subtle.encrypt(parametersOf(nonce), key, plaintext))
    const parts = [nonce, sealed.subarray(0, -TAG), sealed.subarray(-TAG)]
    const encrypted = parts.map(part => base64url.encode(part)).join('.')
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
  #keys(): Promise<readonly TicketKey[]> {
    this.#derived ??= Promise.all(this.#secrets.map(deriveKey))
    return this.#derived
  }
}

/** Named by what makes it: the runtimes have types of their own for it. */
type TicketKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** Derives a key of 256 bits that only tickets use, even if the secret is used for something else too. */
async function deriveKey(secret: string): Promise<TicketKey> {
  const key = await sha256(`mediaward ticket\n${secret}`)
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

const parametersOf = (nonce: Uint8Array) => ({
  ...{ name: 'AES-GCM', iv: new Uint8Array(nonce), additionalData: HEADER, tagLength: TAG * 8 },
})

async function decrypt(encrypted: string, key: TicketKey): Promise<Ticket | undefined> {
  try {
    const [nonce, ciphertext, tag] = encrypted.split('.').map(part => base64url.decode(part))
    if (nonce === undefined || ciphertext === undefined || tag === undefined) return undefined
    const sealed = joined([ciphertext, tag], ciphertext.length + tag.length)
    const plaintext = await crypto.subtle.decrypt(parametersOf(nonce), key, sealed)
    // Authenticated: this version of the gate wrote it, or an earlier one with the same key.
    return JSON.parse(new TextDecoder().decode(plaintext)) as Ticket
  } catch {
    return undefined
  }
}
