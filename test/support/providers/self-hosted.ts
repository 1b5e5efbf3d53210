import { entry, every, type Provider } from './provider.ts'
import { changed, opaque, signingKey, type Token, withHmac } from './token.ts'

// Servers that teams run themselves, as their documents and sources show their tokens.

const API = 'https://recordings.clinic.example'

const fusionKey = signingKey('rsa', 'Zk1Yj0', 'RS256')
const GATE_ENTITY = 'dc99eb28-006c-480e-9854-f2d68cd72dcb'
const fusionPatient: Token = {
  key: fusionKey,
  header: { gty: ['authorization_code'] },
  claims: {
    aud: 'e9fdb985-9173-4e01-9d73-ac2d60d1dc8e',
    iss: 'clinic.example',
    sub: 'c6e4a1f0',
    jti: 'j-1',
    authenticationType: 'PASSWORD',
    email: 'pat@clinic.example',
    email_verified: true,
    applicationId: 'e9fdb985-9173-4e01-9d73-ac2d60d1dc8e',
    roles: [],
    sid: 's-1',
    tid: 't-1',
  },
}
const fusionRecorder: Token = {
  key: fusionKey,
  claims: {
    aud: GATE_ENTITY,
    iss: 'clinic.example',
    sub: 'f1ae8766-a4d8-4a92-acb6-869e47e9f38e',
    jti: 'j-2',
    permissions: { [GATE_ENTITY]: ['recorder'] },
  },
}

const duendeKey = signingKey('rsa', 'F2D9A3C1', 'RS256')
const duendePatient: Token = {
  key: duendeKey,
  header: { typ: 'at+jwt' },
  claims: {
    iss: 'https://ids.clinic.example',
    aud: 'recordings',
    scope: ['openid', 'recordings.play'],
    amr: ['pwd'],
    client_id: 'patient-app',
    sub: '818727',
    idp: 'local',
    sid: 'S1',
    jti: 'J1',
  },
}
const duendeRecorder: Token = {
  ...duendePatient,
  claims: {
    iss: 'https://ids.clinic.example',
    aud: 'recordings',
    scope: ['recordings.store'],
    client_id: 'recorder',
    jti: 'J2',
  },
}

const rauthyKey = signingKey('Ed25519', 'EdDSA-1', 'EdDSA')
const rauthyPatient: Token = {
  key: rauthyKey,
  claims: {
    iss: 'https://auth.clinic.example/auth/v1',
    aud: 'patient-app',
    azp: 'patient-app',
    sub: 'za5mXWJhKRUgYvXtfWTIBnRW',
    typ: 'Bearer',
    scope: 'openid profile',
    roles: [],
  },
}
const rauthyRecorder = changed(rauthyPatient, {
  aud: 'recorder',
  azp: 'recorder',
  sub: undefined,
  roles: undefined,
  scope: '',
})

const dexKey = signingKey('rsa', '2f5a0c', 'RS256')
const dexPatient: Token = {
  key: dexKey,
  header: { typ: undefined },
  claims: {
    iss: 'https://dex.clinic.example',
    aud: 'patient-app',
    sub: 'CgMwMDcSBWxvY2Fs',
    at_hash: 'x',
    email: 'pat@clinic.example',
    email_verified: true,
    groups: [],
  },
}
const dexRecorder = changed(dexPatient, {
  aud: 'recorder',
  sub: 'CghyZWNvcmRlchIGY2xpZW50',
  groups: undefined,
})

const logtoKey = signingKey('P-384', 'q9s8', 'ES384')
const logtoPatient: Token = {
  key: logtoKey,
  header: { typ: 'at+jwt' },
  claims: {
    iss: 'https://clinic.logto.app/oidc',
    aud: API,
    sub: 'foo_8x7k',
    client_id: 'logtoPatientApp',
    scope: '',
    jti: 'j-1',
  },
}

export const SELF_HOSTED: Readonly<Record<string, Provider>> = {
  FusionAuth: {
    keys: { 'https://auth.clinic.example/.well-known/jwks.json': [fusionKey] },
    owner: 'c6e4a1f0',
    patient: fusionPatient,
    recorder: fusionRecorder,
    analyst: changed(fusionPatient, { sub: 'sec', roles: ['security'] }),
    mistakes: {
      'the access token signing key is the default one (`HS256`)': { sent: withHmac(fusionPatient.claims) },
      "`issuer` is the server's URL: `iss` is what the tenant's **Issuer** says": {
        entries: every({ issuer: 'https://auth.clinic.example' }),
      },
      'the recorder asks for another target entity': {
        by: 'recorder',
        sent: changed(fusionRecorder, { aud: 'another', permissions: { another: ['recorder'] } }),
      },
    },
  },
  'Duende IdentityServer': {
    keys: { 'https://ids.clinic.example/.well-known/openid-configuration/jwks': [duendeKey] },
    owner: '818727',
    patient: duendePatient,
    recorder: duendeRecorder,
    analyst: changed(duendePatient, { sub: 'sec', role: ['security'] }),
    mistakes: {
      'an `ApiScope` without an `ApiResource`, so there is no `aud`': {
        sent: changed(duendePatient, { aud: undefined }),
      },
      "the machines' entry without `subject_claim`: their tokens have no `sub`": {
        by: 'recorder',
        entries: entry(1, { subject_claim: undefined }),
      },
      "the `ApiResource` doesn't ask for the user claim `role`": { by: 'analyst', sent: duendePatient },
    },
  },
  Rauthy: {
    keys: { 'https://auth.clinic.example/auth/v1/oidc/certs': [rauthyKey] },
    owner: 'za5mXWJhKRUgYvXtfWTIBnRW',
    patient: rauthyPatient,
    recorder: rauthyRecorder,
    analyst: changed(rauthyPatient, { sub: 'sec', roles: ['security'] }),
    mistakes: {
      "`issuer` with a slash more or less than `iss`: it depends on Rauthy's version": {
        sent: changed(rauthyPatient, { iss: 'https://auth.clinic.example/auth/v1/' }),
      },
      '`algorithms` is `["RS256"]`: Rauthy\'s clients use `EdDSA` unless they say otherwise': {
        entries: every({ algorithms: ['RS256'] }),
      },
      "the machines' entry without `subject_claim`: their tokens have no `sub`": {
        by: 'recorder',
        entries: entry(1, { subject_claim: undefined }),
      },
    },
  },
  Dex: {
    keys: { 'https://dex.clinic.example/keys': [dexKey] },
    owner: 'CgMwMDcSBWxvY2Fs',
    patient: dexPatient,
    recorder: dexRecorder,
    analyst: changed(dexPatient, { sub: 'CgNzZWMSBWxvY2Fs', groups: ['security'] }),
    mistakes: {
      'another client of the same Dex': { sent: changed(dexPatient, { aud: 'wiki' }) },
      "the app doesn't ask for the scope `groups`": {
        by: 'analyst',
        sent: changed(dexPatient, { groups: undefined }),
      },
      "the machines' entry without `roles_claim`: their tokens have no groups": {
        by: 'recorder',
        entries: entry(1, { roles_claim: undefined, roles: undefined }),
      },
    },
  },
  Logto: {
    keys: { 'https://clinic.logto.app/oidc/jwks': [logtoKey] },
    owner: 'foo_8x7k',
    patient: logtoPatient,
    recorder: changed(logtoPatient, {
      sub: 'logtoRecorder',
      client_id: 'logtoRecorder',
      scope: 'store:recordings',
    }),
    analyst: changed(logtoPatient, { sub: 'sec_1a2b', scope: 'read:log' }),
    mistakes: {
      'the app asks for no `resource`, so its access token is opaque': {
        sent: opaque('e3cXk2rPz9mT5vQn7bLw1sYd4gHj6kUa'),
      },
      '`algorithms` is `["RS256"]`: Logto signs with `ES384`': { entries: every({ algorithms: ['RS256'] }) },
      'the app sends its ID token': { sent: changed(logtoPatient, { aud: 'logtoPatientApp' }) },
    },
  },
}
