import type { Ownership } from '../../src/recordings/recording.ts'
import {
  DamagedPart,
  type OpenedPart,
  type RecordingStore,
  type StoredPart,
} from '../../src/recordings/recording-store.ts'

// The objects that the contracts store.

export const patient1: Ownership = {
  owner: 'patient-1',
  issuer: 'https://login.clinic.test/',
  tenant: 'north',
  consultation: 'c-1',
}
export const patient2: Ownership = { owner: 'patient-2', issuer: 'https://login.clinic.test/' }

/** Creates bytes in which a wrong offset shows. */
export function sampleBytes(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + seed) % 251
  return bytes
}

export function stream(content: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new Blob([content]).stream()
}

/** Returns the facts of an object, or null if it does not exist. Throws if they are damaged. */
export async function factsOf(store: RecordingStore, key: string): Promise<StoredPart | null> {
  const found = await store.find(key)
  if (found instanceof DamagedPart) throw found.fault
  return found
}

export async function read(part: OpenedPart | null): Promise<Uint8Array<ArrayBuffer>> {
  if (part === null) throw new Error('there is no body')
  return new Uint8Array(await new Response(part.body).arrayBuffer())
}

/** Returns the SHA-256 of bytes, hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
}
