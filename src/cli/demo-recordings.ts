import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mediaTypeOf } from '../http/media-type.ts'
import type { Ownership } from '../recordings/recording.ts'
import { member, parseJson, stringMember } from './json.ts'

const DEMO = fileURLToPath(new URL('../../demo/', import.meta.url))

/** The key of a demo recording that is one file, as a location writes it. */
export const DEMO_KEY = 'recordings/:recording'

/** A recording of the demo clinic. */
export interface DemoRecording {
  readonly id: string
  readonly owner: string
  /** The file or folder that holds it, in `demo/media`. */
  readonly media: string
}

/** Stores the demo recordings. Bypasses the gate, as a recorder that writes to the store directly would. */
export interface DemoStore {
  has(key: string): Promise<boolean>
  put(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    contentType: string,
    ownership: Ownership,
  ): Promise<unknown>
}

/** Reads the list of the demo recordings. */
export async function readDemoRecordings(): Promise<readonly DemoRecording[]> {
  return parseRecordings(await readFile(join(DEMO, 'clinic.json'), 'utf8'))
}

/**
 * Stores the demo recordings that are missing, stamped with their owners.
 *
 * @param issuer the issuer of the owners; undefined if the gate trusts several
 * @returns all demo recordings
 */
export async function seedDemoRecordings(
  store: DemoStore,
  issuer: string | undefined,
): Promise<readonly DemoRecording[]> {
  const recordings = await readDemoRecordings()
  // All at once, as there are many of them, all small, and a developer waits.
  await Promise.all(recordings.map(recording => seedRecording(store, recording, issuer)))
  return recordings
}

async function seedRecording(
  store: DemoStore,
  { id, owner, media }: DemoRecording,
  issuer: string | undefined,
): Promise<void> {
  const source = join(DEMO, 'media', media)
  const parts = (await stat(source)).isDirectory() ? await readdir(source) : [undefined]
  for (const part of parts) {
    const key = [DEMO_KEY.replace(':recording', id), ...(part === undefined ? [] : [part])].join('/')
    if (await store.has(key)) continue
    const file = part === undefined ? source : join(source, part)
    const ownership = { owner, ...(issuer !== undefined && { issuer }) }
    await store.put(key, new Uint8Array(await readFile(file)), mediaTypeOf(file), ownership)
  }
}

function parseRecordings(json: string): readonly DemoRecording[] {
  const recordings = member(parseJson(json), 'recordings')
  if (!Array.isArray(recordings)) throw new Error('demo/clinic.json lists no recordings')
  return recordings.map((recording: unknown) => {
    const [id, owner, media] = ['id', 'owner', 'media'].map(name => stringMember(recording, name))
    if (id === undefined || owner === undefined || media === undefined) {
      throw new Error('a recording in demo/clinic.json lacks id, owner or media')
    }
    return { id, owner, media }
  })
}
