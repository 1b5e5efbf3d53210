/**
 * Returns the canonical JSON of a value (RFC 8785): members sorted by UTF-16 code units, no white space, numbers and
 * strings as ECMAScript writes them. Two equal values have the same JSON, so a hash of the JSON is a hash of the value.
 *
 * @throws TypeError for a value without canonical JSON: lone surrogates, NaN, Infinity, undefined, functions
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([name, member]) => `${canonical(name)}:${canonical(member)}`).join(',')}}`
  }
  if (typeof value === 'string' && !value.isWellFormed())
    throw new TypeError('a lone surrogate has no canonical JSON')
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${value} has no canonical JSON`)
  const json = JSON.stringify(value)
  if (json === undefined) throw new TypeError(`a ${typeof value} has no canonical JSON`)
  return json
}
