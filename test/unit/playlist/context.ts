import { expect } from 'vitest'
import { locate } from '../../../src/locate/locate.ts'
import { compileLocation, locationsUnder } from '../../../src/locate/location.ts'
import type { PlaylistContext } from '../../../src/playlist/playlist.ts'

const LOCATIONS = locationsUnder('/recordings').map(compileLocation)

/** Where a playlist of recording rec-013 stands, as the gate itself would say it, with an object called as it is. */
export function standsAt(part: string | undefined, recording = 'rec-013'): PlaylistContext {
  return {
    origin: 'https://media.clinic.example',
    part,
    name: part ?? recording,
    partOf: path => {
      const found = locate(path, LOCATIONS)
      return 'ref' in found && found.ref.recording === recording ? found.ref.part : undefined
    },
  }
}

/** A refusal for this reason, wherever in the playlist. */
const refusedAs = (reason: string) => expect.objectContaining({ reason }) as unknown
export const OUTSIDE: unknown = refusedAs('playlist_outside')
export const INVALID: unknown = refusedAs('playlist_invalid')
