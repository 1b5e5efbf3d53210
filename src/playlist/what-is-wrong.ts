import type { Refusal, Spot } from '../refusal.ts'
import type { PlaylistKind } from './kind.ts'
import { MAX_PLAYLIST } from './playlist.ts'

const NAMES: Readonly<Record<PlaylistKind, string>> = { hls: 'HLS', dash: 'DASH' }

/** Says to who stores a playlist why it is refused, and where. Nothing of what stands there is repeated. */
export function whatIsWrong({ reason, spot }: Refusal): string {
  const why =
    reason === 'playlist_outside'
      ? 'leads out of the recording: name parts of it by relative URLs'
      : 'is refused, as players might read it in different ways: docs/playlists.md says what is served'
  return `The playlist${where(spot)} ${why}`
}

/** The same of one that is too long to be read. */
export function tooLong(kind: PlaylistKind): string {
  return `A playlist of ${NAMES[kind]} must be at most ${MAX_PLAYLIST[kind]} bytes long`
}

function where(spot: Spot | undefined): string {
  if (spot === undefined) return ', which must be UTF-8,'
  const { line, tag, attribute } = spot
  return `, in line ${line}${[tag, attribute].map(name => (name === undefined ? '' : `, ${name}`)).join('')},`
}
