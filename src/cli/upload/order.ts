import type { Source } from './sources.ts'

/**
 * The files in groups, to be stored one group after the other: whoever reads a playlist finds all that it names, so
 * that a recording is whole or not there at all.
 */
export function inOrder(sources: readonly Source[]): readonly (readonly Source[])[] {
  return (['media', 'playlist', 'master'] as const)
    .map(kind => sources.filter(source => source.kind === kind))
    .filter(group => group.length > 0)
}
