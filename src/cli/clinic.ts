import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mediaTypeOf } from '../http/media-type.ts'
import type { Binding } from '../recordings/recording.ts'

const DEMO = fileURLToPath(new URL('../../demo/', import.meta.url))

/** One recording of the demo clinic. */
export interface DemoRecording {
  readonly id: string
  readonly owner: string
  readonly media: string
}

/** Where the demo clinic's recordings go: past the gate, as a recorder outside of us would store them. */
export interface Shelf {
  has(key: string): Promise<boolean>
  put(key: string, bytes: Uint8Array<ArrayBuffer>, contentType: string, binding: Binding): Promise<unknown>
}

/** Puts the demo clinic's recordings onto a shelf, stamped with their owners. */
export async function seedClinic(
  shelf: Shelf,
  issuer: string | undefined,
): Promise<readonly DemoRecording[]> {
  const clinic = JSON.parse(await readFile(join(DEMO, 'clinic.json'), 'utf8')) as {
    recordings: DemoRecording[]
  }
  for (const { id, owner, media } of clinic.recordings) {
    const source = join(DEMO, 'media', media)
    const parts = (await stat(source)).isDirectory() ? await readdir(source) : [undefined]
    for (const part of parts) {
      const key = part === undefined ? `recordings/${id}` : `recordings/${id}/${part}`
      if (await shelf.has(key)) continue
      const file = part === undefined ? source : join(source, part)
      const binding = { owner, ...(issuer !== undefined && { issuer }) }
      await shelf.put(key, new Uint8Array(await readFile(file)), mediaTypeOf(file), binding)
    }
  }
  return clinic.recordings
}
