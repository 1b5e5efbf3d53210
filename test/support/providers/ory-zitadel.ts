import { entry, every, type Provider } from './provider.ts'
import { changed, opaque, type Raw, signingKey, type Token } from './token.ts'

// Tokens of Ory and Zitadel, signed or opaque, as their documents show them.

const API = 'https://recordings.clinic.example'

const oryIssuer = 'https://clinic.projects.oryapis.com'
const oryKey = signingKey('rsa', 'hydra.jwt.access-token', 'RS256')
const oryPatient: Token = {
  key: oryKey,
  claims: {
    aud: [],
    client_id: 'e3c1f0aa-patient-app',
    ext: {},
    iss: oryIssuer,
    jti: 'j-1',
    scp: ['openid'],
    sub: '9b2d6c1e',
  },
}
const oryRecorder = changed(oryPatient, {
  client_id: '77d0c2bb-recorder',
  sub: '77d0c2bb-recorder',
  scp: ['recorder'],
})

// As Hydra answers about an opaque token.
const hydraPatient: Raw = {
  raw: 'ory_at_JGhESDjKfHMQ8Wcy0cC3.hIQxGmX37ydn8WmKAnlD3U',
  active: {
    scope: 'openid',
    client_id: 'patient-app',
    sub: '9b2d6c1e',
    aud: [],
    iss: 'https://hydra.clinic.example/',
    token_type: 'Bearer',
    token_use: 'access_token',
    ext: {},
  },
}
const hydraRecorder = changed(hydraPatient, { client_id: 'recorder', sub: 'recorder', scope: 'recorder' })

const withSecret = (client_secret: string) =>
  every({ introspection: { client_id: 'mediaward', client_secret } })

const zitadelIssuer = 'https://clinic.zitadel.cloud'
const zitadelKey = signingKey('rsa', '290317371985305603', 'RS256')
const PROJECT = '290317371985305600'
const zitadelRoles = (...roles: readonly string[]) => ({
  'urn:zitadel:iam:org:project:roles': Object.fromEntries(
    roles.map(role => [role, { '223281939119866113': 'clinic.zitadel.cloud' }]),
  ),
})
const zitadelPatient: Token = {
  key: zitadelKey,
  claims: {
    iss: zitadelIssuer,
    aud: ['290217371985305611', PROJECT],
    client_id: '290217371985305611',
    sub: '223427827918176513',
    jti: 'V2_1',
  },
}

// As Zitadel answers about an opaque token.
const zitadelOpaque: Raw = {
  raw: 'fO9Zk1r3L0Vw7c_2bq5Yt0uTn8x2QkJvHhQeA1bC',
  active: { ...zitadelPatient.claims, token_type: 'Bearer', scope: 'openid', username: 'pat' },
}

export const ORY_AND_ZITADEL: Readonly<Record<string, Provider>> = {
  'Ory: JWT access tokens': {
    keys: { [`${oryIssuer}/.well-known/jwks.json`]: [oryKey] },
    owner: '9b2d6c1e',
    patient: oryPatient,
    recorder: oryRecorder,
    analyst: changed(oryPatient, { sub: 'sec', ext: { roles: ['security'] } }),
    mistakes: {
      'the access token strategy is still `opaque`': {
        sent: opaque('ory_at_JGhESDjKfHMQ8Wcy0cC3.hIQxGmX37ydn8WmKAnlD3U'),
      },
      '`audience` in place of `clients`: `aud` is empty unless the app asks for one': {
        entries: entry(0, { clients: undefined, audience: API }),
      },
      '`roles_claim` is `roles`: claims of the session are below `ext`': {
        by: 'analyst',
        entries: entry(0, { roles_claim: undefined }),
      },
    },
  },
  'Ory Hydra: opaque access tokens': {
    keys: {},
    owner: '9b2d6c1e',
    patient: hydraPatient,
    recorder: hydraRecorder,
    analyst: changed(hydraPatient, { sub: 'sec', ext: { roles: ['security'] } }),
    mistakes: {
      '`issuer` without the slash that Hydra writes at its end': {
        entries: every({ issuer: 'https://hydra.clinic.example' }),
      },
      'a refresh token, which Hydra calls active too': {
        sent: changed(hydraPatient, { token_use: 'refresh_token' }),
      },
      'the token was revoked, or has expired': { sent: opaque('ory_at_revoked.hIQxGmX37ydn8WmKAnlD3U') },
      'the secret is wrong': { entries: withSecret('wrong') },
    },
  },
  'Zitadel: JWT access tokens': {
    keys: { [`${zitadelIssuer}/oauth/v2/keys`]: [zitadelKey] },
    owner: '223427827918176513',
    patient: zitadelPatient,
    recorder: changed(zitadelPatient, {
      sub: '310001',
      client_id: 'recorder',
      aud: ['recorder', PROJECT],
      ...zitadelRoles('recorder'),
    }),
    analyst: changed(zitadelPatient, { sub: '310002', ...zitadelRoles('security') }),
    mistakes: {
      "the app's **Auth Token Type** is still **Bearer Token**, which is opaque": {
        sent: opaque('fO9Zk1r3L0Vw7c_2bq5Yt0uTn8x2QkJvHhQeA1bC'),
      },
      "an app of another project doesn't ask for the scope `urn:zitadel:iam:org:project:id:…:aud`": {
        sent: changed(zitadelPatient, { aud: ['290217371985305611'] }),
      },
      '**Assert Roles on Authentication** is off, and the app asks for no roles': {
        by: 'analyst',
        sent: zitadelPatient,
      },
    },
  },
  'Zitadel: opaque access tokens': {
    keys: {},
    owner: '223427827918176513',
    patient: zitadelOpaque,
    recorder: changed(zitadelOpaque, { sub: '310001', client_id: 'recorder', ...zitadelRoles('recorder') }),
    analyst: changed(zitadelOpaque, { sub: '310002', ...zitadelRoles('security') }),
    mistakes: {
      'the token was revoked, or the API app is of another project': {
        sent: opaque('fO9Zk1r3L0Vw7c_revoked'),
      },
      'an app of another project': { sent: changed(zitadelOpaque, { aud: ['290217371985305611'] }) },
      'the API app authenticates with **JWT**, so it has no secret': { entries: withSecret('none') },
    },
  },
}
