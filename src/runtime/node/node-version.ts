/** The oldest Node that runs the gate and its commands, as `engines` in package.json says. */
export const OLDEST_NODE = '22.13'

/**
 * Says in one line what a program needs that an old Node runs.
 *
 * A program must ask before it imports anything else: the modules of the gate import built-in modules that an old Node
 * lacks, and Node would print a stack of its own.
 *
 * @param program the name of the program
 * @param version the version of Node, as in `process.versions.node`
 * @returns undefined if this Node is new enough
 */
export function describeOldNode(program: string, version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number)
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined
  return `${program} needs Node ${OLDEST_NODE} or newer, and this is Node ${version}`
}
