import type { Issuer } from '../../src/authenticate/issuer.ts'
import { createMemoryStore } from '../../src/runtime/memory/index.ts'
import { INTROSPECTION_SECRET, IntrospectionEndpoint } from './introspection-endpoint.ts'
import { type MemoryGate, memoryGate } from './memory-gate.ts'
import type { Actor, JsonEntry, Mistake, Provider } from './providers/provider.ts'
import { claimsOf, headersWith, type Sent, signingKey } from './providers/token.ts'

/** What each actor does at a gate, and whether the gate lets them. */
export type Outcomes = Readonly<Record<Actor, boolean>>

const RECORDING = 'a recording'
const TICKET_KEY = 'the ticket key of the tests and of 32 characters at least'

// Every key set holds more than the key in use: the next one, and others of the provider.
const SPARE = [signingKey('another rsa', 'next', 'RS256'), signingKey('P-256', 'next-ec', 'ES256')]

/** A gate with a provider's entries, whose key sets are those of the tests. */
export class RecipeTrial {
  readonly #gate: MemoryGate
  readonly #provider: Provider
  readonly #store: ReturnType<typeof createMemoryStore>
  readonly #endpoint: IntrospectionEndpoint | undefined

  private constructor(
    gate: MemoryGate,
    provider: Provider,
    store: ReturnType<typeof createMemoryStore>,
    endpoint: IntrospectionEndpoint | undefined,
  ) {
    this.#gate = gate
    this.#provider = provider
    this.#store = store
    this.#endpoint = endpoint
  }

  /** Rejects with a ConfigurationError if the gate doesn't start. */
  static async start(entries: readonly JsonEntry[], provider: Provider): Promise<RecipeTrial> {
    const store = createMemoryStore()
    const client = clientAtEndpoint(entries)
    const endpoint = client === undefined ? undefined : await IntrospectionEndpoint.start(client)
    const issuers = withKeys(entries, provider, endpoint?.url)
    const gate = await memoryGate({ issuers, store, tickets: { keys: [TICKET_KEY] } })
    return new RecipeTrial(gate, provider, store, endpoint)
  }

  /** Lets the provider's recorder store, its patient play and its analyst read the log. */
  async run(): Promise<Outcomes> {
    const { recorder, analyst, patient } = this.#provider
    return {
      recorder: recorder !== undefined && (await this.store(recorder, 'rec-new')).status === 201,
      patient: await this.#plays(patient),
      analyst: analyst !== undefined && (await this.#send('/console/api/denials', analyst)).status === 200,
    }
  }

  /** Stores a recording as the provider's recorder does. */
  async store(sent: Sent, id: string, owner = this.#provider.owner): Promise<Response> {
    const headers = { 'Mediaward-Owner': owner, 'Content-Length': String(RECORDING.length) }
    return this.#send(`/recordings/${id}`, sent, { method: 'PUT', headers, body: RECORDING })
  }

  /** Does what an actor does, with a token that should be refused. Returns the reason on record, or the status. */
  async refusalOf(actor: Actor, sent: Sent): Promise<string> {
    const response =
      actor === 'recorder'
        ? await this.store(sent, 'rec-refused')
        : await this.#send(actor === 'analyst' ? '/console/api/denials' : '/recordings/rec-own', sent)
    if (response.ok) return `not refused: ${response.status}`
    const { instance } = (await response.json()) as { instance: string }
    const record = (await this.#gate.events()).find(({ id }) => instance === `urn:uuid:${id}`)
    return String(record?.reason)
  }

  /** Puts a recording of the provider's patient into the store: as its recorder would, or else as another token would. */
  async put(
    id: string,
    { storedFor: owner = this.#provider.owner, storedWith }: Pick<Mistake, 'storedFor' | 'storedWith'> = {},
  ): Promise<void> {
    if (storedWith !== undefined) {
      const { status } = await this.store(storedWith, id, owner)
      if (status !== 201) throw new Error(`storing was answered with ${status}`)
      return
    }
    const issuer = String(claimsOf(this.#provider.patient).iss)
    await this.#store.put(`recordings/${id}`, new Blob([RECORDING]).stream(), {
      size: RECORDING.length,
      contentType: 'video/mp4',
      ownership: { owner, issuer },
      replaces: null,
    })
  }

  async #plays(patient: Sent): Promise<boolean> {
    const { recorder } = this.#provider
    const isStored =
      recorder !== undefined &&
      (await this.store(recorder, 'rec-own')).status === 201 &&
      (await this.store(recorder, 'rec-other', 'another-patient')).status === 201
    if (!isStored) {
      await this.put('rec-own')
      await this.put('rec-other', { storedFor: 'another-patient' })
    }
    const statuses = [
      (await this.#send('/recordings/rec-own', patient)).status,
      (await this.#send('/recordings/rec-other', patient)).status,
      (await this.#send('/recordings/rec-own/ticket', patient, { method: 'POST' })).status,
    ]
    return statuses.join() === '200,404,201'
  }

  async #send(path: string, sent: Sent, init: RequestInit = {}): Promise<Response> {
    if ('raw' in sent && sent.active !== undefined) this.#endpoint?.know(sent.raw, sent.active)
    const headers = { ...(await headersWith(sent)), ...init.headers }
    return this.#gate.fetch(path, { ...init, headers })
  }
}

/**
 * Returns a recipe's entries with the tests' own keys in place of those that the provider publishes, and with its
 * introspection endpoint. An address without keys of the tests is left as it is.
 */
export function withKeys(
  entries: readonly JsonEntry[],
  { keys }: Provider,
  endpoint?: string,
): readonly Issuer[] {
  return entries.map(({ jwks_uri, discovery, introspection, ...entry }) => {
    const published = keys[publishedAt({ jwks_uri, discovery, ...entry }) ?? '']
    const members = {
      ...entry,
      ...(published === undefined
        ? { jwks_uri, discovery }
        : { jwks: { keys: [...published, ...SPARE].map(({ jwk }) => jwk) } }),
      ...(introspection !== undefined && {
        // In ISSUERS the secret has the name of its variable. A string here is a mistake.
        introspection: { client_secret: INTROSPECTION_SECRET, ...withoutName(introspection), url: endpoint },
      }),
    }
    // As JSON has it: without the members that are undefined.
    return JSON.parse(JSON.stringify(members)) as Issuer
  })
}

function withoutName(introspection: unknown): object {
  const { client_secret, ...client } = introspection as { readonly client_secret?: unknown }
  return typeof client_secret === 'string' ? { ...client, client_secret } : client
}

/** Returns the URL of an entry's keys: with discovery, the issuer's own. Undefined if its tokens aren't signed. */
export const publishedAt = ({ jwks_uri, discovery, issuer }: JsonEntry): string | undefined =>
  (discovery === true ? issuer : jwks_uri) as string | undefined

const clientAtEndpoint = (entries: readonly JsonEntry[]): string | undefined =>
  entries.map(({ introspection }) => (introspection as { client_id: string } | undefined)?.client_id)[0]

/**
 * Returns an entry with nothing but issuer, audience, algorithms and keys, for all that a recipe accepts: what most
 * services ask for. A client id is the audience if the recipe names no other.
 */
export function bareEntry(entries: readonly JsonEntry[]): JsonEntry {
  const [{ issuer, jwks_uri, discovery } = {}] = entries
  const audiences = entries.flatMap(({ audience, clients }) => (audience ?? clients) as string[])
  const algorithms = entries.flatMap(entry => (entry.algorithms ?? []) as string[])
  return {
    issuer,
    audience: [...new Set(audiences)],
    algorithms: [...new Set(algorithms)],
    jwks_uri,
    discovery,
  }
}
