import { entry, every, type Provider } from './provider.ts'
import { changed, opaque, signingKey, type Token, withHmac } from './token.ts'

// Services that sign people in, as their documents and sources show their tokens.

const API = 'https://recordings.clinic.example'

const clerkIssuer = 'https://clerk.clinic.example'
const clerkKey = signingKey('rsa', 'ins_2GIoQhbUpy0hX7B2cVkuTMinXoD', 'RS256')
const clerkPatient: Token = {
  key: clerkKey,
  header: { cat: 'cl_B7d4PD111AAA' },
  claims: {
    azp: 'https://app.clinic.example',
    fva: [5, -1],
    iss: clerkIssuer,
    sid: 'sess_2',
    sts: 'active',
    sub: 'user_2aB',
    v: 2,
  },
}
const clerkAnalyst = changed(clerkPatient, {
  sub: 'user_2sEC',
  o: { id: 'org_1', slg: 'clinic', rol: 'security' },
})

const workosIssuer = 'https://api.workos.com/user_management/client_01HXYZ'
const workosKey = signingKey('rsa', 'sso_oidc_key_pair_01HXYZ', 'RS256')
const workosMachineKey = signingKey('another rsa', 'authkit_01HXYZ', 'RS256')
const workosPatient: Token = {
  key: workosKey,
  header: { typ: undefined },
  claims: {
    iss: workosIssuer,
    sub: 'user_01HBEQKA6K4QJAS93VPE39W1JT',
    aud: API,
    sid: 'session_01HQSXZGF8FHF7A9ZZFCW4387R',
    org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
    role: 'member',
    roles: ['member'],
    permissions: [],
    jti: '01HQSXZXPPFPKMDD32RKTFY6PV',
  },
}

const kindeIssuer = 'https://clinic.kinde.com'
const kindeKey = signingKey('rsa', 'd2:3f:1a', 'RS256')
const kindePatient: Token = {
  key: kindeKey,
  claims: {
    iss: kindeIssuer,
    aud: [API],
    azp: 'kindePatientApp',
    sub: 'kp_c3143a4b50ad43c88e541d9077681782',
    org_code: 'org_ba4a2311eb1',
    permissions: [],
    roles: [{ id: '018f', key: 'patient', name: 'Patient' }],
    scp: ['openid', 'profile'],
    jti: 'f95ed3e0',
  },
}
const kindeRecorder: Token = {
  key: kindeKey,
  claims: {
    iss: kindeIssuer,
    aud: [API],
    azp: 'kindeRecorder',
    gty: ['client_credentials'],
    scope: 'store:recordings',
    scp: ['store:recordings'],
    v: '2',
    jti: 'f95ed3e1',
  },
}

const stytchKey = signingKey('rsa', 'jwk-live-9d3b', 'RS256', { key_ops: ['verify'], x5c: [] })
const stytchPatient: Token = {
  key: stytchKey,
  claims: {
    iss: 'stytch.com/project-live-9d3b',
    aud: ['project-live-9d3b'],
    sub: 'user-live-1d1b',
    'https://stytch.com/session': {
      id: 'session-live-1',
      authentication_factors: [],
      roles: ['stytch_user'],
    },
  },
}

const descopeKey = signingKey('rsa', 'SK2YualoWDiRkFAE', 'RS256')
const descopeIssuer = 'https://api.descope.com/v1/apps/P2YuRTmSv8PdoWiLoBrZP92a'
const descopePatient: Token = {
  key: descopeKey,
  claims: {
    amr: ['email'],
    drn: 'DS',
    iss: descopeIssuer,
    aud: API,
    sub: 'U2YualoWDiRkFAEpoyOwAEyT07j',
    roles: [],
    permissions: [],
    rexp: '2027-01-10T00:57:21Z',
  },
}

const supabaseKey = signingKey('P-256', 'b81269f1-21d8-4f2e-b719-c2240a840d90', 'ES256', {
  key_ops: ['verify'],
  ext: true,
})
const supabasePatient: Token = {
  key: supabaseKey,
  claims: {
    iss: 'https://abcdefgh.supabase.co/auth/v1',
    sub: '5c1b7e9a-0000-4000-8000-000000000000',
    aud: 'authenticated',
    email: 'pat@clinic.example',
    phone: '',
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: {},
    role: 'authenticated',
    aal: 'aal1',
    amr: [{ method: 'password', timestamp: 1_764_000_000 }],
    session_id: '0b1c',
    is_anonymous: false,
  },
}
const withAppRoles = (sub: string, roles: readonly string[]) =>
  changed(supabasePatient, { sub, app_metadata: { provider: 'email', roles } })

export const HOSTED: Readonly<Record<string, Provider>> = {
  Clerk: {
    keys: { [`${clerkIssuer}/.well-known/jwks.json`]: [clerkKey] },
    owner: 'user_2aB',
    patient: clerkPatient,
    recorder: {
      key: clerkKey,
      claims: {
        iss: clerkIssuer,
        sub: 'mch_recorder',
        aud: ['mch_gate'],
        scopes: 'mch_gate',
        jti: 'mt_2xKa9Bgv7NxMRDFyQw8LpZ3cTmU1vHjE',
      },
    },
    analyst: clerkAnalyst,
    mistakes: {
      "a page of another origin, such as a preview, isn't in `clients`": {
        sent: changed(clerkPatient, { azp: 'https://preview.clinic.example' }),
      },
      'a native app sends no `Origin`, so its tokens have no `azp`': {
        sent: changed(clerkPatient, { azp: undefined }),
      },
      'a machine sends an opaque token: create it with `tokenFormat: "jwt"`': {
        by: 'recorder',
        sent: opaque('mt_8XOIucKvqHVr5tYP123456789abcdefghij'),
      },
      'the analyst has no active organization': {
        by: 'analyst',
        sent: changed(clerkAnalyst, { o: undefined }),
      },
    },
  },
  WorkOS: {
    keys: {
      'https://api.workos.com/sso/jwks/client_01HXYZ': [workosKey],
      'https://clinic.authkit.app/oauth2/jwks': [workosMachineKey],
    },
    owner: 'user_01HBEQKA6K4QJAS93VPE39W1JT',
    patient: workosPatient,
    recorder: {
      key: workosMachineKey,
      claims: {
        iss: 'https://clinic.authkit.app',
        aud: 'client_01HXYZ',
        sub: 'client_01RECORDER',
        client_id: 'client_01RECORDER',
        org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
        scope: '',
        jti: '01HQ',
      },
    },
    analyst: changed(workosPatient, { sub: 'user_01SEC', role: 'security', roles: ['security'] }),
    mistakes: {
      'no JWT template, so there is no `aud`': { sent: changed(workosPatient, { aud: undefined }) },
      "`issuer` isn't what `iss` says: it changes with a custom authentication domain": {
        sent: changed(workosPatient, { iss: 'https://auth.clinic.example' }),
      },
      'support staff impersonate the patient': {
        sent: changed(workosPatient, { act: { sub: 'admin@clinic.example' } }),
      },
    },
  },
  Kinde: {
    keys: { [`${kindeIssuer}/.well-known/jwks`]: [kindeKey] },
    owner: 'kp_c3143a4b50ad43c88e541d9077681782',
    patient: kindePatient,
    recorder: kindeRecorder,
    analyst: changed(kindePatient, { sub: 'kp_sec', permissions: ['security'] }),
    mistakes: {
      'the app asks for no `audience`, so `aud` is empty': { sent: changed(kindePatient, { aud: [] }) },
      "the machines' entry without `subject_claim`: their tokens have no `sub`": {
        by: 'recorder',
        entries: entry(1, { subject_claim: undefined }),
      },
      '`roles_claim` is `roles`, which is a list of objects at Kinde': {
        by: 'analyst',
        entries: entry(0, { roles_claim: undefined }),
        sent: changed(kindePatient, { roles: [{ id: '018f', key: 'security', name: 'Security' }] }),
      },
    },
  },
  Stytch: {
    keys: { 'https://api.stytch.com/v1/sessions/jwks/project-live-9d3b': [stytchKey] },
    owner: 'user-live-1d1b',
    patient: stytchPatient,
    recorder: changed(stytchPatient, {
      sub: 'm2m-client-live-d731',
      scope: 'store:recordings',
      roles: ['recorder'],
      'https://stytch.com/session': undefined,
    }),
    analyst: changed(stytchPatient, { sub: 'user-live-sec', roles: ['security'] }),
    mistakes: {
      '`issuer` written as a URL: `https://stytch.com/…`': {
        entries: every({ issuer: 'https://stytch.com/project-live-9d3b' }),
      },
      'the app sends `session_token`, not `session_jwt`': {
        sent: opaque('WJtR5BCy38Szd5AfoDpf0iqFKEt4EE5JhjlWUY7l3FtY'),
      },
      "roles are given in Stytch's RBAC alone, which writes them into `https://stytch.com/session`": {
        by: 'analyst',
        sent: changed(stytchPatient, { 'https://stytch.com/session': { id: 's-2', roles: ['security'] } }),
      },
    },
  },
  Descope: {
    keys: { 'https://api.descope.com/P2YuRTmSv8PdoWiLoBrZP92a/.well-known/jwks.json': [descopeKey] },
    owner: 'U2YualoWDiRkFAEpoyOwAEyT07j',
    patient: descopePatient,
    recorder: changed(descopePatient, { sub: 'K2Yrecorder', amr: undefined, roles: ['recorder'] }),
    analyst: changed(descopePatient, { sub: 'U2YSec', roles: ['security'] }),
    mistakes: {
      'the JWT template has no `aud`': { sent: changed(descopePatient, { aud: undefined }) },
      "`issuer` isn't what `iss` says: it may be the project id alone": {
        sent: changed(descopePatient, { iss: 'P2YuRTmSv8PdoWiLoBrZP92a' }),
      },
      'the role is given in a tenant, so it is below `tenants`': {
        by: 'analyst',
        sent: changed(descopePatient, { tenants: { T2aB: { roles: ['security'] } } }),
      },
    },
  },
  Supabase: {
    keys: { 'https://abcdefgh.supabase.co/auth/v1/.well-known/jwks.json': [supabaseKey] },
    owner: '5c1b7e9a-0000-4000-8000-000000000000',
    patient: supabasePatient,
    recorder: withAppRoles('recorder', ['recorder']),
    analyst: withAppRoles('sec', ['security']),
    mistakes: {
      'the project still signs with its legacy JWT secret (`HS256`)': {
        sent: withHmac(supabasePatient.claims),
      },
      '`issuer` without `/auth/v1`': { entries: every({ issuer: 'https://abcdefgh.supabase.co' }) },
      'roles in `user_metadata`, which users can change themselves': {
        by: 'analyst',
        sent: changed(supabasePatient, { user_metadata: { roles: ['security'] } }),
      },
      'an anonymous sign-in': { sent: changed(supabasePatient, { is_anonymous: true }) },
    },
  },
}
