import { existsSync, readFileSync } from 'node:fs'

/** Schemas of third parties, which are read if they are present beside the checkout. */
const SHARED = new URL('../../../shared/schemas/', import.meta.url)

/** Whether the schemas of third parties are present. */
export const SCHEMAS_PRESENT: boolean = existsSync(SHARED)

/** Reads a schema of a third party as a string. */
export const schema = (path: string): string => readFileSync(new URL(path, SHARED), 'utf8')

/** A rendering as it is sent: what JSON leaves out is left out. */
export const sent = (rendering: unknown): Record<string, never> => JSON.parse(JSON.stringify(rendering))

/** What a mutation does to a copy of a rendering. */
export type Mutation = (rendering: ReturnType<typeof sent>) => void

/** Returns a copy of a rendering with a mutation. */
export function mutated(rendering: unknown, mutation: (rendering: never) => void): ReturnType<typeof sent> {
  const copy = sent(rendering)
  mutation(copy as never)
  return copy
}
