import { resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import pLimit from 'p-limit'
import { flawOfRecording } from '../locate/names.ts'
import { DATA, gateAt, tokenFor, URL_HERE } from './client.ts'
import { Interrupted, print, say, UsageError } from './terminal.ts'
import { Journal } from './upload/journal.ts'
import { Meter } from './upload/meter.ts'
import { inOrder } from './upload/order.ts'
import { inParallel } from './upload/parallel.ts'
import { type Source, sourcesOf } from './upload/sources.ts'
import { store } from './upload/store.ts'

const OWNER = /^[\x21-\x7e]{1,255}$/

/** `mediaward put`: stores a file, or a folder as the parts of one recording, through the gate. */
export async function put(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      owner: { type: 'string' },
      'owner-issuer': { type: 'string' },
      prefix: { type: 'string', default: '/recordings' },
      parallel: { type: 'string', default: '4' },
      anew: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      url: { type: 'string', default: URL_HERE },
      token: { type: 'string' },
      data: { type: 'string', default: DATA },
    },
  })
  const [id, source, ...more] = positionals
  if (id === undefined || source === undefined || more.length > 0) {
    throw new UsageError(
      'put takes an id and a file or folder',
      'as in: mediaward put rec-042 video.mp4 --owner patient-007',
    )
  }
  const flaw = flawOfRecording(id)
  // Not repeated: it may be a token in the wrong place.
  if (flaw !== undefined) throw new UsageError(`this can't be a recording's id: ${flaw}`, 'take another id')
  const { owner } = values
  if (!owner) throw new UsageError('--owner is missing', 'name the patient whose recording it is')
  if (!OWNER.test(owner))
    throw new UsageError(`"${owner}" can't be an owner`, 'take 1 to 255 visible ASCII characters')
  const issuer = values['owner-issuer']
  if (issuer !== undefined && !OWNER.test(issuer))
    throw new UsageError('--owner-issuer is none', 'as in "https://login.clinic.example/"')
  if (!/^([1-9]|1[0-6])$/.test(values.parallel))
    throw new UsageError(`--parallel ${values.parallel} must be from 1 to 16`)

  // All that can be known to be wrong is said before the first byte is sent.
  const url = new URL(`${values.prefix}/${id}`, gateAt(values.url))
  const sources = await sourcesOf(source, url)
  const token = await tokenFor(values.token, values.data, 'recorder')
  const identity = { url: url.href, owner, issuer, source: resolve(source) }
  const journal = await Journal.open(values.data, identity, values.anew)

  const began = performance.now()
  const bytes = sources.reduce((sum, { version }) => sum + version.size, 0)
  const headers = {
    'Mediaward-Owner': owner,
    ...(issuer !== undefined && { 'Mediaward-Owner-Issuer': issuer }),
  }
  const skipped = await storeAll(sources, {
    url,
    token,
    owner: headers,
    journal,
    parallel: Number(values.parallel),
    meter: new Meter(id, bytes),
  })
  await journal.remove()
  const files = sources.length
  say(`${id}: ${files} ${files === 1 ? 'file' : 'files'} stored for ${owner}`)
  const seconds = Math.round(performance.now() - began) / 1000
  if (values.json) await print(JSON.stringify({ recording: id, owner, files, bytes, skipped, seconds }))
}

interface Upload {
  readonly url: URL
  readonly token: string
  readonly owner: Readonly<Record<string, string>>
  readonly journal: Journal
  readonly parallel: number
  readonly meter: Meter
}

/**
 * Stores all files, group after group.
 *
 * @returns how many of them an earlier run had stored
 */
async function storeAll(sources: readonly Source[], upload: Upload): Promise<number> {
  const { url, token, owner, journal, parallel, meter } = upload
  const stop = new AbortController()
  const line = { token, owner, meter, slots: pLimit(parallel), stop: stop.signal }
  const interrupt = (signal: 'SIGINT' | 'SIGTERM') => stop.abort(new Interrupted(signal))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  let stored = 0
  let skipped = 0
  const storeOne = async (source: Source) => {
    const ref = { source, url: source.part === undefined ? url : new URL(`${url}/${source.part}`) }
    try {
      if (await store(ref, line, journal, parallel)) skipped += 1
      stored += 1
    } catch (error) {
      // One that can't be stored ends all: a recording is whole or not there.
      stop.abort(error)
      throw error
    }
  }
  try {
    for (const [index, group] of inOrder(sources).entries()) {
      // The first asks for all: whom the gate refuses is refused once, not once for each file.
      const alone = index === 0 ? 1 : 0
      await inParallel(group.slice(0, alone), 1, storeOne)
      await inParallel(group.slice(alone), parallel, storeOne)
    }
  } catch (error) {
    if (meter.told !== undefined) {
      const share = `${stored} of ${sources.length} files are stored, ${meter.told}`
      say(`${share}: run the same command again, and the rest is sent`)
    }
    throw error
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
  meter.end()
  return skipped
}
