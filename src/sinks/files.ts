import { canonical } from '../ledger/canonical.ts'
import type { LogEntry } from '../render/entry.ts'
import type { SinkTarget } from './receiver.ts'
import { type SinkEntry, sinkName } from './sink.ts'

/**
 * Port: where files of records are kept. `put` resolves when the file is durable. A file that exists already stays as it is,
 * and that is a success: the name says which records are in it.
 */
export interface FileStore {
  put(name: string, content: string): Promise<void>
}

/** Records are collected so long, in milliseconds: each file costs a request. */
const COLLECT = 60_000
/** Most records in a file. */
const MOST = 1_000

/** Names a file by the day of its first record and the first and last index, so that names sort as indexes do. */
function nameOf(sink: SinkEntry, entries: readonly LogEntry[]): string {
  const [first, last] = [entries[0], entries.at(-1)]
  const [from, to] = [first, last].map(entry => `${entry?.index}`.padStart(12, '0'))
  return `records/${sinkName(sink)}/${first?.event.recorded?.slice(0, 10) ?? 'undated'}/${from}-${to}.ndjson`
}

/** Creates the target of a sink that keeps records as files of JSON lines: `{"index":…,"record":…}`. */
export function createFilesTarget(sink: SinkEntry, store: FileStore): SinkTarget {
  return {
    most: MOST,
    collect: COLLECT,
    async send(entries) {
      const lines = entries.map(({ index, event }) => `{"index":${index},"record":${canonical(event)}}\n`)
      await store.put(nameOf(sink, entries), lines.join(''))
      return []
    },
  }
}
