import { openAsBlob } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { mediaTypeOf } from '../deliver/media-type.ts'
import { progress, say, UsageError } from './terminal.ts'
import { DATA, tokenFor, URL_HERE } from './token.ts'

/** `mediaward put`: stores a file, or a folder as the parts of one recording, through the gate. */
export async function put(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      owner: { type: 'string' },
      'owner-issuer': { type: 'string' },
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
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    throw new UsageError(`"${id}" can't be a recording's id`, 'take 1 to 64 letters, digits, "_" and "-"')
  }
  if (!values.owner) throw new UsageError('--owner is missing', 'name the patient whose recording it is')
  const token = await tokenFor(values.token, values.data, 'recorder')
  const files = await filesOf(source)
  const headers = {
    Authorization: `Bearer ${token}`,
    'Mediaward-Owner': values.owner,
    ...(values['owner-issuer'] !== undefined && { 'Mediaward-Owner-Issuer': values['owner-issuer'] }),
  }
  for (const [index, { path, part }] of files.entries()) {
    progress(part ?? id, index, files.length)
    const target = `${values.url.replace(/\/$/, '')}/recordings/${id}${part === undefined ? '' : `/${part}`}`
    const body = await openAsBlob(path)
    const response = await fetch(target, {
      method: 'PUT',
      headers: { ...headers, 'Content-Type': mediaTypeOf(path) },
      body,
    }).catch(error => {
      throw new UsageError(
        `nothing answers at ${values.url} (${(error.cause ?? error).code ?? error.message})`,
        'name the gate with --url',
      )
    })
    if (!response.ok) throw new Error(`${path} was not stored: ${await reasonOf(response)}`)
  }
  progress(id, files.length, files.length)
  say(`${id}: ${files.length} ${files.length === 1 ? 'file' : 'files'} stored for ${values.owner}`)
}

interface Source {
  readonly path: string
  readonly part?: string
}

async function filesOf(source: string): Promise<readonly Source[]> {
  const facts = await stat(source).catch(() => {
    throw new UsageError(`there is no ${source}`, 'name a file or a folder')
  })
  if (!facts.isDirectory()) return [{ path: source }]
  const entries = await readdir(source, { recursive: true, withFileTypes: true })
  const files = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
  if (files.length === 0) throw new UsageError(`${source} holds no file`)
  return files.map(path => ({ path, part: relative(source, path).split(sep).join('/') }))
}

/** What the gate says of a refusal, in words; the id is for whoever looks it up. */
export async function reasonOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as {
    title?: string
    detail?: string
    instance?: string
  }
  const detail = problem.detail === undefined ? '' : `: ${problem.detail}`
  const instance =
    problem.instance === undefined ? '' : ` (event ${problem.instance.replace('urn:uuid:', '')})`
  return `${response.status} ${problem.title ?? response.statusText}${detail}${instance}`
}
