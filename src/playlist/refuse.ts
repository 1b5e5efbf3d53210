import { type PlaylistPosition, Refusal } from '../refusal.ts'
import { knownName } from './vocabulary.ts'

// A piece of a value begins wherever some player splits it: at white space, quotes, commas, equals signs, or the brackets
// of CSS. `scheme://` counts anywhere. Browsers also read the schemes listed here as absolute without slashes. To the URL
// standard of the WHATWG `\` is a slash and `%2e` a dot.
const LEADS_AWAY =
  /[a-z0-9+.-]:[/\\]{2}|(?:^|[\s"'=,;|<>(){}[\]])(?:(?:https?|wss?|ftp|file|blob|javascript|skd):[^\s"',]|\/\/|\\|(?:\.|%2e){2}(?:$|[\s"'=,;|<>(){}[\]/\\?#]))|[/\\](?:\.|%2e){2}(?:$|[\s"'=,;|<>(){}[\]/\\?#])/i

/**
 * Checks if a value that isn't known to be a reference would lead to another host, or out of its folder, if a player took
 * a piece of it for a URL. A name such as `urn:x:y` or `Camera: patient` would not.
 */
export function leadsAway(value: string): boolean {
  if (LEADS_AWAY.test(value)) return true
  // The URL parser of the WHATWG drops these characters, so they could hide a scheme or a slash.
  return /[\t\n\r]/.test(value) && LEADS_AWAY.test(value.replace(/[\t\n\r]/g, ''))
}

/** Refuses a value that a playlist may not have, whatever it says: as `playlist_outside` if it leads away. */
export function refuseValue(value: string): Refusal {
  return new Refusal(leadsAway(value) ? 'playlist_outside' : 'playlist_invalid')
}

/** A position whose names are as the playlist has them. */
interface WrittenPosition {
  readonly line: number
  readonly tag?: string | undefined
  readonly attribute?: string | undefined
}

/** Adds to a refusal the position in the playlist, with names that may go on record. */
export function refuseAt({ reason }: Refusal, { line, tag, attribute }: WrittenPosition): Refusal {
  const position: PlaylistPosition = {
    line,
    ...(tag !== undefined && { tag: knownName(tag) }),
    ...(attribute !== undefined && { attribute: knownName(attribute) }),
  }
  return new Refusal(reason, undefined, position)
}

/** Returns the line that an offset is in, counted from 1. */
export function lineAt(source: string, offset: number): number {
  let line = 1
  for (let end = source.indexOf('\n'); end >= 0 && end < offset; end = source.indexOf('\n', end + 1))
    line += 1
  return line
}
