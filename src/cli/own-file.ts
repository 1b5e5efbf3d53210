import { fileURLToPath } from 'node:url'

/**
 * A file of ours: TypeScript in a checkout, JavaScript in a package, as this one is.
 *
 * @param name from `src`, without its ending
 */
export function ownFile(name: string): string {
  const [ending] = /\.[jt]s$/.exec(import.meta.url) ?? ['.js']
  return fileURLToPath(new URL(`../${name}${ending}`, import.meta.url))
}
