import { Refusal, type Spot } from '../refusal.ts'
import { leadsAway } from './suspect.ts'
import { knownName } from './vocabulary.ts'

/** A refusal with the place in the playlist that it is about. */
export function spotted({ reason }: Refusal, line: number, tag?: string, attribute?: string): Refusal {
  const spot: Spot = {
    line,
    ...(tag !== undefined && { tag: knownName(tag) }),
    ...(attribute !== undefined && { attribute: knownName(attribute) }),
  }
  return new Refusal(reason, undefined, spot)
}

/** Refuses a value that no playlist may have: as one that leads out, if it does. */
export function refuseValue(value: string): Refusal {
  return new Refusal(leadsAway(value) ? 'playlist_outside' : 'playlist_invalid')
}

/** The line that a place in a text is on, counted from 1. */
export function lineAt(text: string, at: number): number {
  let line = 1
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', end + 1)) line += 1
  return line
}
