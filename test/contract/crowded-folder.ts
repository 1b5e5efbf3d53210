import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordingStore } from '../../src/recordings/recording-store.ts'
import { bytesOf, dana, stream } from './recordings.ts'

/** Fills a folder with parts of one recording, faster than by storing each: their facts alone are what is looked for. */
export async function crowdedFolder(
  store: RecordingStore,
  root: string,
  parts: number,
): Promise<RecordingStore> {
  const bytes = bytesOf(10, 7)
  const facts = { size: bytes.length, contentType: 'video/mp4', binding: dana, replaces: null }
  await store.put('recordings/rec-1/part-0.m4s', stream(bytes), facts)
  const factsOf = (part: number) => join(root, 'recordings', 'rec-1', `part-${part}.m4s@facts.json`)
  const text = readFileSync(factsOf(0), 'utf8')
  for (let part = 1; part < parts; part += 1) {
    writeFileSync(factsOf(part), text.replace('part-0', `part-${part}`))
  }
  return store
}
