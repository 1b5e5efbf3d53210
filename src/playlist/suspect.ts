// What a player might fetch, wherever it stands: what names a host, leaves its folder, or has a scheme. To WHATWG's URL
// `\` is a slash and `%2e` a dot. A URN names and is nowhere fetched.
const LEADS_AWAY = /:\/\/|^\s*[/\\]|(?:^\s*|[/\\])(?:\.|%2e){2}(?:[/\\?#]|\s*$)/i
const HAS_SCHEME = /^\s*(?!urn:)[a-z][a-z0-9+.-]*:/i

/** Whether a text that isn't known as a reference would lead out of its folder if someone took it for one. */
export function leadsAway(text: string): boolean {
  return LEADS_AWAY.test(text)
}

/** Whether it begins as an absolute URL does. Names do too: `com.example:x`. */
export function hasScheme(text: string): boolean {
  return HAS_SCHEME.test(text)
}
