// A piece of a value begins where some player splits it: at white space, quotes, commas, equals signs, or the brackets
// of CSS. `scheme://` counts anywhere. Browsers read the schemes that are named here as absolute without slashes, too;
// to WHATWG's URL `\` is a slash and `%2e` a dot.
const LEADS_AWAY =
  /[a-z0-9+.-]:[/\\]{2}|(?:^|[\s"'=,;|<>(){}[\]])(?:(?:https?|wss?|ftp|file|blob|javascript|skd):[^\s"',]|\/\/|\\|(?:\.|%2e){2}(?:$|[\s"'=,;|<>(){}[\]/\\?#]))|[/\\](?:\.|%2e){2}(?:$|[\s"'=,;|<>(){}[\]/\\?#])/i

/**
 * Whether a value that is not known as a reference would lead to another host, or out of its folder, if a player took a
 * piece of it for one. A name such as `urn:x:y` or `Camera: patient` doesn't.
 */
export function leadsAway(value: string): boolean {
  if (LEADS_AWAY.test(value)) return true
  // WHATWG's URL takes these out, so that they would hide a scheme or a slash.
  return /[\t\n\r]/.test(value) && LEADS_AWAY.test(value.replace(/[\t\n\r]/g, ''))
}
