import { expect } from 'vitest'
import { compileLocation, locationsUnder } from '../../../src/locate/location.ts'
import { contextOf, type PlaylistContext } from '../../../src/playlist/context.ts'

const LOCATIONS = locationsUnder('/recordings').map(compileLocation)

/** Creates the context of a playlist of recording rec-013, which is one object if the playlist has no part's name. */
export function contextAt(part: string | undefined): PlaylistContext {
  const key = 'recordings/rec-013'
  const ref = { recording: 'rec-013', key: part === undefined ? key : `${key}/${part}` }
  return contextOf(part === undefined ? ref : { ...ref, part }, LOCATIONS, 'https://media.clinic.example')
}

/** Matches a refusal for a reason, at any position. */
const refusedAs = (reason: string) => expect.objectContaining({ reason }) as unknown
export const OUTSIDE: unknown = refusedAs('playlist_outside')
export const INVALID: unknown = refusedAs('playlist_invalid')
