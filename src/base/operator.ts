/** Writes a line to the console of a server. Nothing else in the gate does. */
export function logToOperator(message: string): void {
  // biome-ignore lint/suspicious/noConsole: the operator of a server reads it there
  console.error(`mediaward: ${message}`)
}

/** Characters that would move the cursor of a terminal, start a line, or change the order of what is read. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * Escapes and cuts a string that others wrote, for the operator's console: a line there must be what the gate wrote.
 *
 * @param most the number of its characters that are kept
 */
export function printable(string: string, most: number = 200): string {
  const kept = string.length > most ? `${string.slice(0, most)}…` : string
  return kept.replace(UNPRINTABLE, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/** Returns what the operator may read of a URL: its query may hold a secret. */
export function withoutQuery(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
