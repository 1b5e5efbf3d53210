import { createHash, randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import Provider, { type Context } from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import type { Issuer } from '../../src/authenticate/issuer.ts'

// A real OpenID provider on loopback: discovery, signed and opaque access tokens, introspection, revocation, DPoP.

/** The audience of its opaque access tokens. */
export const OPAQUE = 'https://media.clinic.test/opaque'
/** The audience of its signed access tokens (RFC 9068). */
export const SIGNED = 'https://media.clinic.test/signed'

const APP = { client_id: 'app', client_secret: 'only for tests: the app' }
const CALLBACK = 'https://app.clinic.test/callback'
/** The gate's own client. Its id and secret change when they are form-encoded. */
const GATE = { client_id: 'the gate: 1', client_secret: 'only for tests: 100 % secret +/&=' }

/** What the provider answers to a request for tokens (RFC 6749 5.1). */
export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: string
}

/** A person who is logged in. */
export interface LoggedIn extends Tokens {
  /** Ends the session at the provider, as the person's browser does. Resolves when the app's backends have been called. */
  logOut(): Promise<void>
}

export interface OpenIdProvider {
  readonly issuer: string
  /** The paths that were asked for, oldest first, as `POST /token`. */
  readonly requests: string[]
  /** The entry of a gate for its opaque tokens. In a variable, `client_secret` must be `{"secret":"NAME"}`. */
  opaqueEntry(more?: Partial<Issuer>): Issuer
  /** The entry of a gate for its signed tokens, whose keys are found by discovery. */
  signedEntry(more?: Partial<Issuer>): Issuer
  /** Logs a person in by the authorization code flow (RFC 6749 4.1, RFC 7636), and returns their tokens. */
  logIn(subject: string, options?: LogInOptions): Promise<LoggedIn>
  /** Revokes a token of the app (RFC 7009). */
  revoke(token: string): Promise<void>
  /** Signs with a new key from now on. The set of keys still has the older ones, unless they are withdrawn. */
  rotate(options?: { readonly withdraw?: boolean }): Promise<void>
  /** Answers every request itself until it is called without one. For outages. */
  answerWith(listener?: RequestListener): void
  close(): Promise<void>
}

export interface LogInOptions {
  /** {@link OPAQUE} (the default) or {@link SIGNED}. */
  readonly resource?: string
  /** Makes the header `DPoP` of the request for tokens (RFC 9449 5), by its method and URL. Binds the access token. */
  readonly dpop?: (method: string, url: string) => Promise<string>
}

/** How long access tokens are valid, in seconds, which roles people have (claim `roles`), and whom a logout is reported to. */
export interface OpenIdProviderOptions {
  readonly lifetime?: number
  readonly roles?: Readonly<Record<string, readonly string[]>>
  /** Who is called when a person has logged out (OpenID Connect Back-Channel Logout 1.0). */
  readonly logout?: {
    readonly url: string
    /** Whether logout tokens name the session, too. */
    readonly session?: boolean
  }
}

/** Starts a provider. People log in by their name alone. */
export async function startOpenIdProvider(options: OpenIdProviderOptions = {}): Promise<OpenIdProvider> {
  const requests: string[] = []
  const keys = [await signingKey()]
  const issued = createMemoryAdapter()
  let answer: RequestListener
  let outage: RequestListener | undefined
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`)
    const listener = outage ?? answer
    listener(request, response)
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const begin = () => createAnswers(issuer, [...keys], issued, options)
  answer = begin()
  const entry = { issuer, allowed_roles: ['recorder', 'security', 'app'] } as const

  return {
    issuer,
    requests,
    opaqueEntry: more => ({
      ...entry,
      audience: OPAQUE,
      introspection: { url: `${issuer}/token/introspection`, ...GATE },
      ...more,
    }),
    signedEntry: more => ({
      ...entry,
      audience: SIGNED,
      algorithms: ['ES256'],
      discovery: true,
      ...more,
    }),
    logIn: (subject, how = {}) => logIn(issuer, subject, how),
    revoke: async token => void (await post(`${issuer}/token/revocation`, { token })),
    async rotate({ withdraw = false } = {}) {
      // The first key signs.
      keys.unshift(await signingKey())
      if (withdraw) keys.length = 1
      answer = begin()
    },
    answerWith(listener) {
      outage = listener
    },
    async close() {
      server.closeAllConnections()
      await new Promise(closed => server.close(closed))
    },
  }
}

async function signingKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: randomBytes(8).toString('hex') }
}

function createAnswers(
  issuer: string,
  keys: readonly JWK[],
  issued: object,
  { lifetime = 600, roles = {}, logout }: OpenIdProviderOptions,
): RequestListener {
  const provider = new Provider(issuer, {
    clients: [
      {
        ...APP,
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code', 'refresh_token'],
        ...(logout && {
          backchannel_logout_uri: logout.url,
          backchannel_logout_session_required: logout.session ?? false,
        }),
      },
      { ...GATE, redirect_uris: [], response_types: [], grant_types: [] },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    renderError(context: { body: unknown }, why: object) {
      context.body = why
    },
    adapter: issued,
    jwks: { keys },
    cookies: { keys: ['only for tests'] },
    ttl: {
      AccessToken: lifetime,
      Grant: 3600,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 600,
    },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: (_: unknown, { accountId }: { accountId: string }) => ({ roles: roles[accountId] }),
    issueRefreshToken: () => true,
    loadExistingGrant: grantAll,
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    // Its own way to call refuses loopback.
    fetch: (url: string, { dispatcher: _, ...call }: RequestInit & { readonly dispatcher?: unknown }) =>
      fetch(url, call),
    features: {
      backchannelLogout: { enabled: logout !== undefined },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_: unknown, resource: string) => ({
          scope: 'play',
          audience: resource,
          accessTokenFormat: resource === SIGNED ? 'jwt' : 'opaque',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  })
  const answer = provider.callback()
  return async (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return answer(request, response)
    const { params } = await provider.interactionDetails(request, response)
    await provider.interactionFinished(request, response, { login: { accountId: params.login_hint } })
  }
}

/** Grants the app what it asks for, as after a consent. */
async function grantAll({ oidc: { provider, client, session, params } }: Context) {
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope('openid')
  grant.addResourceScope(params.resource ?? '', 'play')
  await grant.save()
  return grant
}

async function logIn(
  issuer: string,
  subject: string,
  { resource = OPAQUE, dpop }: LogInOptions,
): Promise<LoggedIn> {
  const browser = new Browser()
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    client_id: APP.client_id,
    response_type: 'code',
    scope: 'openid play',
    redirect_uri: CALLBACK,
    resource,
    login_hint: subject,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const code = await authorize(browser, `${issuer}/auth?${query}`)
  const url = `${issuer}/token`
  const response = await post(
    url,
    { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier, resource },
    dpop === undefined ? {} : { DPoP: await dpop('POST', url) },
  )
  return { ...((await response.json()) as Tokens), logOut: () => logOut(issuer, browser) }
}

/** Keeps cookies, and follows no redirect. */
class Browser {
  readonly #cookies = new Map<string, string>()

  async go(url: string, form?: Record<string, string>): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const sent = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }
    const response = await fetch(url, { ...sent, headers: { cookie }, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=')
      this.#cookies.set(name, value)
    }
    return response
  }
}

/** Follows the redirects of a login as a browser does, until the app gets its code. */
async function authorize(browser: Browser, start: string): Promise<string> {
  let url = start
  while (!url.startsWith(CALLBACK)) {
    const response = await browser.go(url)
    const location = response.headers.get('location')
    if (location === null)
      throw new Error(`the login ended with ${response.status}: ${await response.text()}`)
    url = new URL(location, url).href
  }
  const code = new URL(url).searchParams.get('code')
  if (code === null) throw new Error(`the login was refused: ${url}`)
  return code
}

/** Logs out as a person does who confirms it (OpenID Connect RP-Initiated Logout 1.0). */
async function logOut(issuer: string, browser: Browser): Promise<void> {
  const page = await (await browser.go(`${issuer}/session/end`)).text()
  const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(page) ?? []
  const { status } = await browser.go(`${issuer}/session/end/confirm`, { xsrf, logout: 'yes' })
  if (status !== 303) throw new Error(`the logout ended with ${status}`)
}

/** Sends a request of the app. */
async function post(
  url: string,
  body: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const encoded = [APP.client_id, APP.client_secret].map(encodeURIComponent).join(':')
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(encoded)}`, ...headers },
    body: new URLSearchParams(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response
}
