import { openAsBlob } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { mediaTypeOf } from '../deliver/media-type.ts'
import { isPart } from '../locate/location.ts'
import { ask, DATA, gateAt, reasonOf, tokenFor, URL_HERE } from './client.ts'
import { progress, say, UsageError } from './terminal.ts'

const ID = /^[A-Za-z0-9_-]{1,64}$/
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
  if (!ID.test(id)) {
    throw new UsageError(`"${id}" can't be a recording's id`, 'take 1 to 64 letters, digits, "_" and "-"')
  }
  const { owner } = values
  if (!owner) throw new UsageError('--owner is missing', 'name the patient whose recording it is')
  if (!OWNER.test(owner))
    throw new UsageError(`"${owner}" can't be an owner`, 'take 1 to 255 visible ASCII characters')
  const issuer = values['owner-issuer']
  if (issuer !== undefined && !OWNER.test(issuer))
    throw new UsageError('--owner-issuer is none', 'as in "https://login.clinic.example/"')

  // All that can be known to be wrong is said before the first byte is sent.
  const gate = gateAt(values.url)
  const files = await filesOf(source)
  const token = await tokenFor(values.token, values.data, 'recorder')
  for (const [index, { path, part }] of files.entries()) {
    progress(part ?? id, index, files.length)
    const response = await ask(
      new URL(`${values.prefix}/${part === undefined ? id : `${id}/${part}`}`, gate),
      token,
      {
        method: 'PUT',
        headers: {
          'Content-Type': mediaTypeOf(path),
          'Mediaward-Owner': owner,
          ...(issuer !== undefined && { 'Mediaward-Owner-Issuer': issuer }),
        },
        body: await openAsBlob(path),
      },
    )
    if (!response.ok) throw new Error(`${path} was not stored: ${await reasonOf(response)}`)
  }
  progress(id, files.length, files.length)
  say(`${id}: ${files.length} ${files.length === 1 ? 'file' : 'files'} stored for ${owner}`)
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
  const paths = (await readdir(source, { recursive: true })).map(name => join(source, name)).sort()
  const hidden = paths.filter(path => basename(path).startsWith('.'))
  for (const path of hidden) say(`${path} is hidden and left out`)
  const files: Source[] = []
  for (const path of paths) {
    // stat follows links: what they lead to is stored.
    if (hidden.includes(path) || !(await stat(path)).isFile()) continue
    const name = relative(source, path)
    const part = name.split(sep).join('/')
    if (!isPart(part) || (sep !== '\\' && name.includes('\\'))) {
      throw new UsageError(
        `${path} can't be a part's name`,
        'rename it: letters, digits, ".", "_" and "-", at most 100 of them, at most 8 folders deep',
      )
    }
    files.push({ path, part })
  }
  if (files.length === 0) throw new UsageError(`${source} holds no file`)
  return files
}
