import process from 'node:process'

/** The oldest Node that runs the gate and its commands, as `engines` in package.json says. */
export const OLDEST_NODE = '22.13'

/**
 * Ends a program that an older Node runs, with one line that says what is needed.
 *
 * A program must call this before it imports anything else: modules of the gate import built-in modules that an older
 * Node lacks, and then Node itself would print a stack.
 *
 * @param program the name of the program
 */
export function requireNode(program: string): void {
  const { node: version } = process.versions
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number)
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  process.stderr.write(
    `${program}: error: Node ${OLDEST_NODE} or newer is needed, and this is Node ${version}\n`,
  )
  process.exit(1)
}
