import { isRefused, type Refused, refused } from '../refusal.ts'
import { type Mpd, type MpdReference, readMpd, type Scope } from './mpd.ts'
import {
  type Folders,
  folderOf,
  mergeFolders,
  type PlaylistContext,
  relativeBase,
  relativeReference,
} from './reference.ts'
import { exampleOf, isPlainId } from './template.ts'

/**
 * Rewrites an MPD: what is no reference that has to change stays as it is, to the byte. A relative reference has to stay
 * inside with every base that the document has anywhere: players differ in which they take.
 */
export function rewriteDash(text: string, context: PlaylistContext): { readonly text: string } | Refused {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text
  const mpd = readMpd(source)
  if (isRefused(mpd)) return mpd
  const bases = resolveBases(mpd, context)
  if (isRefused(bases)) return bases
  const id = longestId(mpd)
  let written = ''
  let copied = 0
  for (const reference of mpd.references) {
    const rewritten = bases.written.get(reference) ?? rewriteReference(reference, bases.folders, id, context)
    if (typeof rewritten !== 'string') return rewritten
    if (reference.kind === 'unread') return refused('playlist_invalid')
    if (rewritten === reference.text) continue
    written += source.slice(copied, reference.from) + rewritten.replaceAll('&', '&amp;')
    copied = reference.to
  }
  return { text: written + source.slice(copied) }
}

function rewriteReference(
  { kind, text }: MpdReference,
  within: Folders | undefined,
  id: string | undefined,
  context: PlaylistContext,
): string | Refused {
  const example = kind === 'template' ? exampleOf(text, id) : text
  return example === undefined
    ? refused('playlist_invalid')
    : relativeReference(example, within, context, text)
}

/** The longest id that a template might be filled with; undefined where there is one that isn't plain, or none. */
function longestId({ ids }: Mpd): string | undefined {
  let longest: string | undefined
  for (const id of ids) {
    if (id === undefined || !isPlainId(id)) return undefined
    if (id.length > (longest?.length ?? 0)) longest = id
  }
  return longest
}

interface Bases {
  /** What to write for each `BaseURL`. */
  readonly written: ReadonlyMap<MpdReference, string>
  /** All folders that a reference may be resolved in; undefined where the recording has no parts. */
  readonly folders: Folders | undefined
}

function resolveBases({ scopes, references }: Mpd, context: PlaylistContext): Bases | Refused {
  const written = new Map<MpdReference, string>()
  const start = folderOf(context)
  if (start === undefined) return { written, folders: undefined }
  let folders = start
  for (const { kind, text } of references) {
    if (kind !== 'location') continue
    // Some players resolve all else against it at once.
    const location = relativeBase(text, start, context)
    if (isRefused(location)) return location
    folders = mergeFolders(folders, location.folders)
  }
  const foldersOf = new Map<Scope, Folders>()
  for (const scope of scopes) {
    const around = (scope.parent && foldersOf.get(scope.parent)) ?? folders
    let own: Folders | undefined
    for (const base of scope.bases) {
      const resolved = relativeBase(base.text, around, context)
      if (isRefused(resolved)) return resolved
      written.set(base, resolved.written)
      own = own === undefined ? resolved.folders : mergeFolders(own, resolved.folders)
    }
    foldersOf.set(scope, own ?? around)
  }
  for (const own of foldersOf.values()) folders = mergeFolders(folders, own)
  return { written, folders }
}
