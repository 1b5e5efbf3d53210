import { ALGORITHMS } from '../authenticate/issuer.ts'
import { MAX_OPAQUE, MAX_TOKEN } from '../authenticate/parse-token.ts'
import { usesDpop } from '../http/credential.ts'
import type { Reason } from '../reason.ts'
import { adviseOnIssuer } from './issuer-advice.ts'
import { type Advice, type Advise, isIntrospected, type RefusedToken } from './refused-token.ts'
import { quoted, quotedList, shownAlgorithm } from './shown.ts'

/** Headers in which login proxies send a token: Cloudflare Access, Google IAP, AWS ALB, Azure App Service. */
const PROXY_HEADERS = [
  'Cf-Access-Jwt-Assertion',
  'X-Goog-Iap-Jwt-Assertion',
  'X-Amzn-Oidc-Data',
  'X-Amzn-Oidc-Accesstoken',
  'X-Ms-Token-Aad-Access-Token',
  'X-Forwarded-Access-Token',
]

// RFC 6750 2.1.
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/** Advice on what is refused before a signature proves whose token it is. Anyone can cause it. */
export const CREDENTIAL_ADVICE: Readonly<Partial<Record<Reason, Advise>>> = {
  token_missing: adviseOnMissing,
  token_in_query: [
    'a token came in the query of a URL, which logs on the way keep',
    'send it in Authorization, or use a ticket for players that send no header',
  ],
  token_malformed: adviseOnForm,
  token_too_long: ({ token = '', entries }) =>
    isIntrospected(token, entries)
      ? [
          `an opaque token of ${token.length} characters came, and the gate takes ${MAX_OPAQUE}`,
          'have the provider issue shorter ones, or signed ones',
        ]
      : [
          `a token of ${token.length} characters came, and the gate takes ${MAX_TOKEN}`,
          'have the provider write fewer claims into it, such as groups',
        ],
  token_ambiguous: [
    'two headers or cookies that entries name held different tokens',
    'have the proxy in front remove what clients send in them',
  ],
  token_issuer: adviseOnIssuer,
  token_algorithm: adviseOnAlgorithm,
  token_key_unknown: ({ entry, header }) => [
    `the key set holds no key of this issuer ${header.kid === undefined ? 'for a token without a kid' : 'with the kid of a token'}`,
    entry?.jwks === undefined
      ? 'check that "jwks_uri" is the key set of this very issuer, as a provider may have several'
      : 'put the key that the provider signs with now into "jwks", or use "jwks_uri"',
  ],
  keys_unavailable: ({ why }) =>
    why === undefined
      ? [
          "a token is signed by a key whose published form can't be used",
          'have the provider publish it as "mediaward doctor" says, or sign with another one',
        ]
      : [`the keys can't be had: ${why.message}`, why.fix],
  introspection_unavailable: ({ why }) =>
    why && [`the issuer gives no answer about opaque tokens: ${why.message}`, why.fix],
  token_inactive: [
    'the issuer says that an opaque token is not active',
    'if it says so of every token, let the client of "introspection" ask about those of others',
  ],
  token_signature: [
    'the signature of a token fits none of the keys',
    'check that the keys are of this environment, and that nothing changes tokens on their way',
  ],
}

function adviseOnMissing({ request, entries }: RefusedToken): Advice | undefined {
  const { headers } = request
  if (headers.has('authorization')) {
    return usesDpop(request)
      ? [
          'a token came with the scheme DPoP, and no entry takes proofs',
          'set "dpop" of its entry to "accepted"',
        ]
      : [
          'the header Authorization has another scheme than Bearer',
          'send "Authorization: Bearer " and the token',
        ]
  }
  // One that an entry names would be tried, unless the browser says that it must not count.
  if (entries.some(entry => entry.header !== undefined && headers.has(entry.header))) {
    return [
      "a page of another site sent a request, for which the header of a login proxy doesn't count",
      'add its origin to ALLOWED_ORIGINS if it is that of an app of yours',
    ]
  }
  const header = PROXY_HEADERS.find(name => headers.has(name))
  return header === undefined
    ? undefined
    : [
        `a request has no Authorization, but ${header}, which no entry names`,
        `set "header": "${header}" in the entry of the issuer whose tokens it holds`,
      ]
}

function adviseOnForm({ token, facts }: RefusedToken): Advice {
  if (token === undefined || !B64TOKEN.test(token)) {
    return [
      'something else than one token came in its place',
      'send the token once, as it was issued: without quotes, commas, line breaks and padding',
    ]
  }
  if (facts.entry !== undefined) {
    return [
      'the header of a token has a "kid" or "crit" that the gate can\'t read',
      'have the provider write a "kid" of at most 256 characters, and no "crit"',
    ]
  }
  const parts = token.split('.').length
  if (parts === 5) {
    return [
      'an encrypted token (five parts) came, and the gate decrypts none',
      'have the provider issue signed ones: Auth0 encrypts if the app asks for no audience',
    ]
  }
  return parts === 3
    ? [
        'a token of three parts came that are not JSON in base64url without padding',
        'send the token as it was issued: not cut, padded or decoded',
      ]
    : [
        `a token that is not a JWT came (parts: ${parts}, not 3)`,
        'have the provider issue JWTs, or let the gate ask it about opaque tokens ("introspection")',
      ]
}

function adviseOnAlgorithm({ entry, header: { alg } }: RefusedToken): Advice {
  const known = ALGORITHMS.find(one => one === alg)
  const isShared = typeof alg === 'string' && /^HS/i.test(alg)
  return [
    `a token has ${shownAlgorithm(alg)}, and "algorithms" is ${quotedList(entry?.algorithms ?? [], ALGORITHMS.length)}`,
    isShared
      ? 'have the provider sign with a private key (ES256, RS256), as a shared secret that verifies tokens can also sign them'
      : known === undefined
        ? 'have the provider sign with one of these'
        : `add ${quoted(known)} to "algorithms" if the provider signs with it`,
  ]
}
