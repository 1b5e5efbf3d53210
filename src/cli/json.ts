// JSON from outside this program (answers of a gate, files, output of other processes) is untrusted: its type is unknown
// until a caller has checked each member that it uses.

/**
 * Parses JSON.
 *
 * @returns undefined if the string is not valid JSON
 */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/**
 * Reads a member of a JSON object.
 *
 * @returns undefined if the value is not an object or lacks the member
 */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

/**
 * Reads a string from a JSON object.
 *
 * @returns undefined if the value is not an object or the member is not a string
 */
export function stringMember(value: unknown, name: string): string | undefined {
  const found = member(value, name)
  return typeof found === 'string' ? found : undefined
}
