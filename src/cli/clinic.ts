import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mediaTypeOf } from '../deliver/media-type.ts'
import type { LocalWorker } from './workerd.ts'

const DEMO = fileURLToPath(new URL('../../demo/', import.meta.url))

/** One recording of the demo clinic. */
export interface DemoRecording {
  readonly id: string
  readonly owner: string
  readonly media: string
}

/** Puts the demo clinic's recordings into a bucket, stamped with their owners, as a recorder outside of us would. */
export async function seedClinic(
  bucket: LocalWorker['recordings'],
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
      if ((await bucket.head(key)) !== null) continue
      const file = part === undefined ? source : join(source, part)
      await bucket.put(key, await readFile(file), {
        httpMetadata: { contentType: mediaTypeOf(file) },
        customMetadata: { 'mw-owner': owner, ...(issuer !== undefined && { 'mw-issuer': issuer }) },
      })
    }
  }
  return clinic.recordings
}
