import { every, forAll, type Provider } from './provider.ts'
import { changed, encrypted, signingKey, type Token } from './token.ts'

// Tokens as the documents of Auth0 and Okta show them.

const API = 'https://recordings.clinic.example'

const auth0Issuer = 'https://clinic.eu.auth0.com/'
const auth0Key = signingKey('rsa', 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4', 'RS256', { x5t: 'NjVBRjY5MDlCMUIw' })
const auth0Patient: Token = {
  key: auth0Key,
  claims: {
    iss: auth0Issuer,
    sub: 'auth0|6507dcd3a2b0e6d8',
    aud: [API, `${auth0Issuer}userinfo`],
    azp: 'patientApp0123456789',
    scope: 'openid profile',
    permissions: [],
  },
}
const auth0Recorder: Token = {
  key: auth0Key,
  claims: {
    iss: auth0Issuer,
    sub: 'recorder0123456789@clients',
    aud: API,
    azp: 'recorder0123456789',
    gty: 'client-credentials',
    scope: 'recorder',
    permissions: ['recorder'],
  },
}
const auth0Analyst = changed(auth0Patient, { sub: 'auth0|77aa', permissions: ['security'] })
const auth0Keys = { 'https://clinic.eu.auth0.com/.well-known/jwks.json': [auth0Key] }
const auth0IdToken = changed(auth0Patient, { aud: 'patientApp0123456789', nonce: 'n-1', azp: undefined })

const ofOrganization = { org_id: 'org_9ybsU1dN2dKfDkBi' }

const oktaIssuer = 'https://clinic.okta.com/oauth2/aus9o8wzkhckw9TLa0h7'
const oktaKey = signingKey('rsa', 'U5R8cHbGw445Qbq8zVO1PcCpXL8yG6IcovVa3laCoxM', 'RS256')
const oktaPatient: Token = {
  key: oktaKey,
  header: { typ: undefined },
  claims: {
    ver: 1,
    jti: 'AT.0mP4',
    iss: oktaIssuer,
    aud: 'api://recordings',
    cid: '0oaPatientApp',
    uid: '00uid4BxXw6I6TV4m0g3',
    scp: ['openid', 'profile'],
    sub: 'pat@clinic.example',
    groups: ['Everyone'],
  },
}
const oktaRecorder = changed(oktaPatient, {
  cid: '0oaRecorder',
  sub: '0oaRecorder',
  uid: undefined,
  groups: undefined,
  scp: ['recorder'],
})
// The key of the org server isn't published.
const oktaOrgToken: Token = {
  ...oktaPatient,
  key: signingKey('another rsa', 'org', 'RS256'),
  claims: { ...oktaPatient.claims, iss: 'https://clinic.okta.com', aud: 'https://clinic.okta.com' },
}

export const AUTH0_AND_OKTA: Readonly<Record<string, Provider>> = {
  Auth0: {
    keys: auth0Keys,
    owner: 'auth0|6507dcd3a2b0e6d8',
    patient: auth0Patient,
    recorder: auth0Recorder,
    analyst: auth0Analyst,
    mistakes: {
      '`issuer` without the slash at its end': {
        entries: every({ issuer: 'https://clinic.eu.auth0.com' }),
      },
      'the app asks for no `audience`, so its access token is encrypted for Auth0 itself': {
        sent: encrypted({ alg: 'dir', enc: 'A256GCM', iss: auth0Issuer }),
      },
      'the app sends its ID token': { sent: auth0IdToken },
      '**Add Permissions in the Access Token** is off': {
        by: 'analyst',
        sent: changed(auth0Analyst, { permissions: undefined }),
      },
    },
  },
  'Auth0 with Organizations': {
    keys: auth0Keys,
    owner: 'auth0|6507dcd3a2b0e6d8',
    patient: changed(auth0Patient, ofOrganization),
    recorder: changed(auth0Recorder, ofOrganization),
    analyst: changed(auth0Analyst, ofOrganization),
    mistakes: {
      'the app logs in without `organization`': { sent: auth0Patient },
      'the recorder asks for its token without `organization`': { by: 'recorder', sent: auth0Recorder },
      'the recorder stores with the token of another organization': {
        storedWith: changed(auth0Recorder, { org_id: 'org_another' }),
      },
    },
  },
  Okta: {
    keys: { [`${oktaIssuer}/v1/keys`]: [oktaKey] },
    owner: '00uid4BxXw6I6TV4m0g3',
    patient: oktaPatient,
    recorder: oktaRecorder,
    analyst: changed(oktaPatient, {
      uid: '00uSec',
      sub: 'sec@clinic.example',
      groups: ['mediaward-security'],
    }),
    mistakes: {
      'a token of the org server, whose `iss` has no `/oauth2/…`': { sent: oktaOrgToken },
      'the `groups` claim is added to the ID token, not to the access token': {
        by: 'analyst',
        sent: changed(oktaPatient, { groups: undefined }),
      },
      "a new app isn't in `clients`": { sent: changed(oktaPatient, { cid: '0oaNewApp' }) },
    },
  },
  "Okta's org server": {
    keys: { 'https://clinic.okta.com/oauth2/v1/keys': [oktaKey] },
    owner: 'pat@clinic.example',
    patient: oktaOrgToken,
    notes: forAll(
      "The org server's access tokens are for Okta alone, and the key that signs them is not published.",
    ),
    attempt: [
      {
        issuer: 'https://clinic.okta.com',
        audience: 'https://clinic.okta.com',
        algorithms: ['RS256'],
        jwks_uri: 'https://clinic.okta.com/oauth2/v1/keys',
      },
    ],
    mistakes: {},
  },
}
