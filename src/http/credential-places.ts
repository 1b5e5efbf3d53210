import { cookiePattern, cookiesIn, type Place, type PlacedToken } from './credential.ts'

/** Where one gate looks for tokens beside `Authorization`: what login proxies set. */
export class CredentialPlaces {
  readonly #headers: readonly Place[]
  readonly #cookies: readonly (readonly [Place, RegExp])[]

  /**
   * @param headers names in any case
   * @param cookies names to the letter
   */
  constructor(headers: Iterable<string> = [], cookies: Iterable<string> = []) {
    const names = new Set([...headers].map(name => name.toLowerCase()))
    this.#headers = [...names].map(name => ({ in: 'header', name }))
    this.#cookies = [...new Set(cookies)].map(name => [{ in: 'cookie', name }, cookiePattern(name)])
  }

  /**
   * Returns the tokens of a request, those in headers first. A cookie that is there twice counts twice: another host of
   * the domain may have set one of them. Not to be called for a page of another site: it didn't choose to send any of them.
   *
   * @param withCookies whether cookies count for this request
   */
  presented({ headers }: Request, withCookies: boolean): readonly PlacedToken[] {
    const found = this.#headers.flatMap(place => {
      const token = headers.get(place.name)
      return token === null ? [] : { token, place }
    })
    if (!withCookies) return found
    const cookies = this.#cookies.flatMap(([place, pattern]) =>
      cookiesIn(headers, pattern).map(token => ({ token, place })),
    )
    return [...found, ...cookies]
  }
}
