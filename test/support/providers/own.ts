import { every, forAll, type Provider } from './provider.ts'
import { changed, opaque, signingKey, type Token, withHmac } from './token.ts'

// Tokens that an app's own server signs, with a library or by itself; and those of a service that can't be accepted.

const betterKey = signingKey('Ed25519', 'c5c7995d-0037-4553-8aee-b5b620b89b23', 'EdDSA', {
  alg: undefined,
  use: undefined,
})
const betterPatient: Token = {
  key: betterKey,
  header: { typ: undefined },
  claims: {
    iss: 'https://app.clinic.example',
    aud: 'recordings',
    sub: 'kq3XbF0e',
    role: 'user',
  },
}

const ownKey = signingKey('P-256', '2026-11', 'ES256')
const ownPatient: Token = {
  key: ownKey,
  claims: { iss: 'https://login.clinic.example', aud: 'recordings', sub: 'patient-007' },
}

const propelKey = signingKey('rsa', '06c6ff75-ed83-4938-bea3-03411b74076e', 'RS256')

/** Tokens of a server of one's own, beside a provider that signs in patients alone. */
export const OWN_STAFF = {
  keys: { 'https://login.clinic.example/jwks.json': [ownKey] },
  recorder: changed(ownPatient, { sub: 'recorder-1', roles: ['recorder'] }),
  analyst: changed(ownPatient, { sub: 'analyst-1', roles: ['security'] }),
} as const

export const OWN: Readonly<Record<string, Provider>> = {
  'Better Auth': {
    keys: { 'https://app.clinic.example/api/auth/jwks': [betterKey] },
    owner: 'kq3XbF0e',
    patient: betterPatient,
    recorder: changed(betterPatient, { sub: 'recorder', role: 'recorder' }),
    analyst: changed(betterPatient, { sub: 'sec', role: 'user,security' }),
    mistakes: {
      'the app sends its session token': { sent: opaque('sX2f0eVnKq7bLw1zYd4g.Hj6kUa%3D') },
      "no `audience` in the plugin: `aud` is then the app's own URL": {
        sent: changed(betterPatient, { aud: 'https://app.clinic.example' }),
      },
      'a user with two roles, and no `"roles_separator": ","`': {
        by: 'analyst',
        entries: every({ roles_separator: undefined }),
      },
    },
  },
  'A server of your own': {
    ...OWN_STAFF,
    owner: 'patient-007',
    patient: ownPatient,
    mistakes: {
      '`sub` is a number: mint `"42"`, not `42`': { sent: changed(ownPatient, { sub: 42 }) },
      'a secret shared with the apps (`HS256`)': { sent: withHmac(ownPatient.claims) },
      '`exp` is a string': { sent: changed(ownPatient, { exp: '1999999999' }) },
      'another `typ` than `JWT` or `at+jwt`': { sent: { ...ownPatient, header: { typ: 'JOSE' } } },
    },
  },
  PropelAuth: {
    keys: { 'https://auth.clinic.example/.well-known/jwks.json': [propelKey] },
    owner: 'e50870d2-9dcd-44fe-a273-1b9cc1e982de',
    patient: {
      key: propelKey,
      claims: {
        iss: 'https://auth.clinic.example',
        sub: 'e50870d2-9dcd-44fe-a273-1b9cc1e982de',
        user_id: 'e50870d2-9dcd-44fe-a273-1b9cc1e982de',
        email: 'pat@clinic.example',
        org_id_to_org_member_info: { '107e': { org_id: '107e', user_role: 'Owner', user_permissions: [] } },
      },
    },
    notes: forAll(
      "PropelAuth's access tokens name no audience and no client: those for any other app of the project would be accepted too.",
    ),
    attempt: [
      {
        issuer: 'https://auth.clinic.example',
        audience: 'https://recordings.clinic.example',
        algorithms: ['RS256'],
        jwks_uri: 'https://auth.clinic.example/.well-known/jwks.json',
      },
    ],
    mistakes: {},
  },
}
