import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordingStore } from '../../src/recordings/recording-store.ts'
import { patient1, sampleBytes, stream } from './recordings.ts'

/** Fills a folder with parts of one recording. Writes only their facts files, which is faster than to store each. */
export async function crowdedFolder(
  store: RecordingStore,
  root: string,
  parts: number,
): Promise<RecordingStore> {
  const bytes = sampleBytes(10, 7)
  const facts = { size: bytes.length, contentType: 'video/mp4', ownership: patient1, replaces: null }
  await store.put('recordings/rec-1/part-0.m4s', stream(bytes), facts)
  const factsFile = (part: number) => join(root, 'recordings', 'rec-1', `part-${part}.m4s@facts.json`)
  const json = readFileSync(factsFile(0), 'utf8')
  for (let part = 1; part < parts; part += 1) {
    writeFileSync(factsFile(part), json.replace('part-0', `part-${part}`))
  }
  return store
}
