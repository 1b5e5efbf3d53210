import { Refusal } from '../refusal.ts'
import { type Mpd, type MpdReference, readMpd, type Scope } from './mpd.ts'
import {
  type Folders,
  folderOf,
  mergeFolders,
  type PlaylistContext,
  relativeBase,
  relativeReference,
} from './reference.ts'
import { lineAt, spotted } from './spot.ts'
import { examplesOf, type Ids, mayBecomeScheme, summed } from './template.ts'

// A player that is told that this is HLS reads its lines: players go by what they are told, not by the bytes.
const HLS = /#EXT(?:M3U|INF|-X-)/i

/**
 * Rewrites an MPD: what is no reference that has to change stays as it is, to the byte. A relative reference has to stay
 * inside with every base that the document has anywhere: players differ in which they take.
 */
export function rewriteDash(text: string, context: PlaylistContext): { readonly text: string } | Refusal {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text
  const tag = HLS.exec(source)
  if (tag !== null) return spotted(new Refusal('playlist_invalid'), lineAt(source, tag.index))
  const mpd = readMpd(source)
  if (mpd instanceof Refusal) return mpd
  const spot = (refusal: Refusal, { from, element, attribute }: MpdReference) =>
    spotted(refusal, lineAt(source, from), element, attribute)
  const bases = resolveBases(mpd, context, spot)
  if (bases instanceof Refusal) return bases
  const ids = summed(mpd.ids)
  let written = ''
  let copied = 0
  for (const reference of mpd.references) {
    const rewritten = bases.written.get(reference) ?? rewriteReference(reference, bases.folders, ids, context)
    if (typeof rewritten !== 'string') return spot(rewritten, reference)
    if (rewritten === reference.text) continue
    written += source.slice(copied, reference.from) + rewritten.replaceAll('&', '&amp;')
    copied = reference.to
  }
  return { text: written + source.slice(copied) }
}

function rewriteReference(
  { role, text }: MpdReference,
  withTimeout: Folders | undefined,
  ids: Ids,
  context: PlaylistContext,
): string | Refusal {
  if (role !== 'template') return relativeReference(text, withTimeout, context)
  let written: string | Refusal = new Refusal('playlist_invalid')
  for (const example of examplesOf(text, ids) ?? []) {
    written = relativeReference(example, withTimeout, context, text)
    if (typeof written !== 'string') break
  }
  return typeof written === 'string' && mayBecomeScheme(written, ids)
    ? new Refusal('playlist_invalid')
    : written
}

interface Bases {
  /** What to write for each `BaseURL`. */
  readonly written: ReadonlyMap<MpdReference, string>
  /** All folders that a reference may be resolved in; undefined where the recording has no parts. */
  readonly folders: Folders | undefined
}

function resolveBases(
  { scopes }: Mpd,
  context: PlaylistContext,
  spot: (refusal: Refusal, reference: MpdReference) => Refusal,
): Bases | Refusal {
  const written = new Map<MpdReference, string>()
  let folders = folderOf(context)
  if (folders === undefined) return { written, folders }
  const foldersOf = new Map<Scope, Folders>()
  for (const scope of scopes) {
    const around = (scope.parent && foldersOf.get(scope.parent)) ?? folders
    let own: Folders | undefined
    for (const base of scope.bases) {
      const resolved = relativeBase(base.text, around, context)
      if (resolved instanceof Refusal) return spot(resolved, base)
      written.set(base, resolved.written)
      own = own === undefined ? resolved.folders : mergeFolders(own, resolved.folders)
    }
    foldersOf.set(scope, own ?? around)
  }
  for (const own of foldersOf.values()) folders = mergeFolders(folders, own)
  return { written, folders }
}
