import { fileURLToPath } from 'node:url'

/** This file, and every other of ours, is TypeScript in a checkout and JavaScript in a package. */
const ENDING = import.meta.url.endsWith('.ts') ? '.ts' : '.js'

/** How this program is called from where it was installed. */
export const COMMAND: string = ENDING === '.ts' ? 'npm run -s mediaward --' : 'npx --no mediaward'

/**
 * A file of ours.
 *
 * @param name from `src`, without its ending
 */
export function ownFile(name: string): string {
  return fileURLToPath(new URL(`../${name}${ENDING}`, import.meta.url))
}
