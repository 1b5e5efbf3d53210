import { resolve } from 'node:path'
import process from 'node:process'
import { flawOfRecording } from '../locate/names.ts'
import { type Command, createCommand, type OptionValues } from '../runtime/node/command.ts'
import { GATE_OPTIONS, parseGateUrl, tokenFor } from './client.ts'
import { UploadProgress } from './progress.ts'
import { COMMAND, Interrupted, print, say, UsageError } from './terminal.ts'
import { Journal } from './upload/journal.ts'
import { UploadSession } from './upload/session.ts'
import { findSources, groupByOrder, type Source } from './upload/sources.ts'
import { FileUpload } from './upload/store-file.ts'

/** What the gate takes as an owner or an issuer in a header. */
const HEADER_VALUE = /^[\x21-\x7e]{1,255}$/

const PUT_OPTIONS = {
  owner: { type: 'string', value: 'SUBJECT', about: 'The patient that the recording belongs to.' },
  'owner-issuer': {
    type: 'string',
    value: 'ISSUER',
    about: "The issuer of the owner's tokens. Without it, the recorder's own.",
  },
  prefix: {
    type: 'string',
    value: 'PATH',
    default: '/recordings',
    about: 'The path that the gate has all recordings below.',
  },
  parallel: { type: 'string', value: 'N', default: '4', about: 'How many requests run at once, 1 to 16.' },
  restart: { type: 'boolean', default: false, about: 'Send everything again, also what is stored.' },
  // The former name of --restart, for scripts that use it.
  anew: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false, about: 'Print one JSON line once everything is stored.' },
  ...GATE_OPTIONS,
} as const

/** `mediaward put`: stores a file, or a folder as the parts of one recording, through a gate. */
export const put: Command = createCommand({
  usage: 'mediaward put ID FILE-OR-FOLDER --owner SUBJECT',
  summary:
    'Stores a file, or a folder of parts, as a recording; called again, it resumes an interrupted run.',
  options: PUT_OPTIONS,
  allowPositionals: true,
  example: `${COMMAND} put rec-042 visit.mp4 --owner patient-007`,
  run: store,
})

async function store(
  values: OptionValues<typeof PUT_OPTIONS>,
  positionals: readonly string[],
): Promise<void> {
  const { id, path, owner, issuer, parallel } = checkArguments(values, positionals)
  // Everything that can be found wrong is reported before the first byte is sent.
  const url = recordingUrl(parseGateUrl(values.url), values.prefix, id)
  const sources = await findSources(path, url)
  const token = await tokenFor(values.token, values.data, 'recorder')
  const identity = { url: url.href, owner, issuer, source: resolve(path) }
  const restart = values.restart || values.anew
  const journal = await Journal.open({ data: values.data, identity, restart })

  const started = performance.now()
  const bytes = sources.reduce((sum, { version }) => sum + version.size, 0)
  const progress = new UploadProgress(id, bytes)
  const ownerHeaders = {
    'Mediaward-Owner': owner,
    ...(issuer !== undefined && { 'Mediaward-Owner-Issuer': issuer }),
  }
  const session = new UploadSession({ token, ownerHeaders, parallel, progress })
  const skipped = await storeAll(sources, session, journal)
  await journal.remove()
  const files = sources.length
  say(`${id}: ${files} ${files === 1 ? 'file' : 'files'} stored for ${owner}`)
  const seconds = Math.round(performance.now() - started) / 1000
  if (values.json) await print(JSON.stringify({ recording: id, owner, files, bytes, skipped, seconds }))
}

function checkArguments(values: OptionValues<typeof PUT_OPTIONS>, positionals: readonly string[]) {
  const [id, path, ...more] = positionals
  if (id === undefined || path === undefined || more.length > 0) {
    throw new UsageError(
      'put takes an id and a file or folder',
      'as in: mediaward put rec-042 video.mp4 --owner patient-007',
    )
  }
  const flaw = flawOfRecording(id)
  // The message doesn't repeat the id, which may be a token in the wrong place.
  if (flaw !== undefined) throw new UsageError(`this can't be a recording's id: ${flaw}`, 'use another id')
  const { owner, 'owner-issuer': issuer, parallel } = values
  if (!owner) throw new UsageError('--owner is missing', 'name the patient that the recording belongs to')
  if (!HEADER_VALUE.test(owner)) {
    throw new UsageError(`"${owner}" can't be an owner`, 'use 1 to 255 visible ASCII characters')
  }
  if (issuer !== undefined && !HEADER_VALUE.test(issuer)) {
    throw new UsageError('--owner-issuer is not an issuer', 'as in "https://login.clinic.example/"')
  }
  if (!/^([1-9]|1[0-6])$/.test(parallel)) {
    throw new UsageError(`--parallel ${parallel} must be from 1 to 16`)
  }
  return { id, path, owner, issuer, parallel: Number(parallel) }
}

/** @throws UsageError if the prefix is not a path: `//HOST` would send the token and the recording to another host */
function recordingUrl(gate: URL, prefix: string, id: string): URL {
  const path = `${prefix}/${id}`
  if (URL.canParse(path, gate.href)) {
    const url = new URL(path, gate)
    if (url.pathname === path) return url
  }
  throw new UsageError(`--prefix ${prefix} is not a path`, 'write it as in MEDIA_PREFIX: /recordings')
}

/**
 * Stores all files, group after group.
 *
 * @returns how many of them an earlier run had stored
 */
async function storeAll(
  sources: readonly Source[],
  session: UploadSession,
  journal: Journal,
): Promise<number> {
  let stored = 0
  let skipped = 0
  const storeOne = async (source: Source) => {
    try {
      if (await new FileUpload(source, session, journal).store()) skipped += 1
      stored += 1
    } catch (error) {
      // One file that can't be stored ends the run, so that players never find an incomplete recording.
      session.stop(error)
      throw error
    }
  }
  const interrupt = (signal: 'SIGINT' | 'SIGTERM') => session.stop(new Interrupted(signal))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    for (const [index, group] of groupByOrder(sources).entries()) {
      // The very first file goes alone: a caller that may not store is refused, and recorded, once.
      const alone = index === 0 ? 1 : 0
      await session.forEach(group.slice(0, alone), storeOne)
      await session.forEach(group.slice(alone), storeOne)
    }
  } catch (error) {
    const { summary } = session.progress
    if (summary !== undefined) {
      say(`${stored} of ${sources.length} files are stored, ${summary}: run the same command again to resume`)
    }
    throw error
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
  session.progress.end()
  return skipped
}
