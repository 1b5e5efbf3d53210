import { Refusal } from '../refusal.ts'
import type { PlaylistContext } from './context.ts'
import { type Folders, folderOf, mergeFolders } from './folders.ts'
import { type BaseScope, type Mpd, type MpdReference, readMpd } from './mpd.ts'
import { relativeBase, relativeReference } from './reference.ts'
import { lineAt, refuseAt } from './refuse.ts'
import { expandTemplate, mayBecomeScheme, type RepresentationIds, summarizeIds } from './template.ts'

// A player that takes this for HLS, because of its media type or because its app says so, would read its lines.
const HLS = /#EXT(?:M3U|INF|-X-)/i

/**
 * Rewrites an MPD. Only references change; everything else stays, byte for byte. A relative reference must stay inside the
 * recording with every base in the document, as players differ in which of them they apply.
 *
 * @param source without a byte order mark
 */
export function rewriteDash(source: string, context: PlaylistContext): string | Refusal {
  const tag = HLS.exec(source)
  if (tag !== null) return refuseAt(new Refusal('playlist_invalid'), { line: lineAt(source, tag.index) })
  const mpd = readMpd(source)
  if (mpd instanceof Refusal) return mpd
  const bases = resolveBases(mpd, context, refuse)
  if (bases instanceof Refusal) return bases
  const ids = summarizeIds(mpd.ids)
  let written = ''
  let copied = 0
  for (const reference of mpd.references) {
    const rewritten = bases.written.get(reference) ?? rewriteReference(reference, bases.folders, ids, context)
    if (rewritten instanceof Refusal) return refuse(rewritten, reference)
    if (rewritten === reference.value) continue
    written += source.slice(copied, reference.from) + rewritten.replaceAll('&', '&amp;')
    copied = reference.to
  }
  return written + source.slice(copied)

  function refuse(refusal: Refusal, { from, element, attribute }: MpdReference): Refusal {
    return refuseAt(refusal, { line: lineAt(source, from), tag: element, attribute })
  }
}

function rewriteReference(
  { role, value }: MpdReference,
  folders: Folders | undefined,
  ids: RepresentationIds,
  context: PlaylistContext,
): string | Refusal {
  if (role !== 'template') return relativeReference(value, folders, context)
  const examples = expandTemplate(value, ids)
  if (examples instanceof Refusal) return examples
  let written = value
  for (const example of examples) {
    const relative = relativeReference(example, folders, context, value)
    if (relative instanceof Refusal) return relative
    written = relative
  }
  return mayBecomeScheme(written, ids) ? new Refusal('playlist_invalid') : written
}

interface Bases {
  /** What to write for each `BaseURL`. */
  readonly written: ReadonlyMap<MpdReference, string>
  /** All folders that a reference may be resolved against; undefined if the recording has no parts. */
  readonly folders: Folders | undefined
}

/** Resolves each `BaseURL` against those of the elements around it (ISO/IEC 23009-1 5.6.4). */
function resolveBases(
  { scopes }: Mpd,
  context: PlaylistContext,
  refuse: (refusal: Refusal, base: MpdReference) => Refusal,
): Bases | Refusal {
  const written = new Map<MpdReference, string>()
  if (context.part === undefined) return { written, folders: undefined }
  const own = folderOf(context.part)
  let folders = own
  const foldersOf = new Map<BaseScope, Folders>()
  for (const scope of scopes) {
    const around = (scope.parent && foldersOf.get(scope.parent)) ?? own
    let resolved: Folders | undefined
    for (const base of scope.bases) {
      const relative = relativeBase(base.value, around, context)
      if (relative instanceof Refusal) return refuse(relative, base)
      written.set(base, relative.written)
      resolved = resolved === undefined ? relative.folders : mergeFolders(resolved, relative.folders)
    }
    foldersOf.set(scope, resolved ?? around)
    folders = mergeFolders(folders, resolved ?? around)
  }
  return { written, folders }
}
