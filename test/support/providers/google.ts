import { every, type Provider } from './provider.ts'
import { changed, signingKey, type Token } from './token.ts'

// Tokens as Google's documents show them.

const firebaseKey = signingKey('rsa', 'a3bdbfdede3bab2d6f42c5f1f1b7ed8d7a7ef85a', 'RS256')
const firebaseKeys = {
  'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com': [firebaseKey],
}
const firebasePatient: Token = {
  key: firebaseKey,
  claims: {
    iss: 'https://securetoken.google.com/clinic-prod',
    aud: 'clinic-prod',
    user_id: 'Xyz28',
    sub: 'Xyz28',
    email: 'pat@clinic.example',
    email_verified: true,
    firebase: { identities: { email: ['pat@clinic.example'] }, sign_in_provider: 'password' },
  },
}
const firebaseRecorder = changed(firebasePatient, { sub: 'recorder', user_id: 'recorder', recorder: true })
const firebaseAnalyst = changed(firebasePatient, { sub: 'sec', user_id: 'sec', security: true })
const inTenant = (tenant: string) => ({ firebase: { sign_in_provider: 'password', tenant } })

const iapKey = signingKey('P-256', 'f9R3yg', 'ES256')
const iapPatient: Token = {
  key: iapKey,
  place: { header: 'X-Goog-Iap-Jwt-Assertion' },
  claims: {
    iss: 'https://cloud.google.com/iap',
    aud: '/projects/1234567890/global/backendServices/9876543210',
    sub: 'accounts.google.com:10769150350006150715113082367',
    email: 'pat@clinic.example',
    hd: 'clinic.example',
  },
}

export const GOOGLE: Readonly<Record<string, Provider>> = {
  'Firebase Authentication': {
    keys: firebaseKeys,
    owner: 'Xyz28',
    patient: firebasePatient,
    recorder: firebaseRecorder,
    analyst: firebaseAnalyst,
    mistakes: {
      'the app sends the custom token, not the ID token that it is exchanged for': {
        sent: changed(firebasePatient, {
          iss: 'firebase-adminsdk-1@clinic-prod.iam.gserviceaccount.com',
          sub: 'firebase-adminsdk-1@clinic-prod.iam.gserviceaccount.com',
          aud: 'https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit',
          uid: 'Xyz28',
        }),
      },
      'a token of another project, such as the one for tests': {
        sent: changed(firebasePatient, {
          iss: 'https://securetoken.google.com/clinic-test',
          aud: 'clinic-test',
        }),
      },
      "the claim was set after the analyst's token was issued: it is renewed within the hour": {
        by: 'analyst',
        sent: changed(firebaseAnalyst, { security: undefined }),
      },
      '`jwks_uri` from most tutorials (`…/robot/v1/metadata/x509/…`), which has certificates': {
        entries: every({
          jwks_uri:
            'https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com',
        }),
      },
    },
  },
  'Google Identity Platform with tenants': {
    keys: firebaseKeys,
    owner: 'Xyz28',
    patient: changed(firebasePatient, inTenant('clinic-a-7f2k1')),
    recorder: changed(firebaseRecorder, inTenant('clinic-a-7f2k1')),
    analyst: changed(firebaseAnalyst, inTenant('clinic-a-7f2k1')),
    mistakes: {
      '`tenant_claim` as one string: `"firebase.tenant"`': {
        entries: every({ tenant_claim: 'firebase.tenant' }),
      },
      'the app signs in without a `tenantId`': { sent: firebasePatient },
      "the recorder's user is of another tenant": {
        storedWith: changed(firebaseRecorder, inTenant('clinic-b-9x0p2')),
        sent: changed(firebasePatient, inTenant('clinic-a-7f2k1')),
      },
    },
  },
  'Google Cloud IAP': {
    keys: { 'https://www.gstatic.com/iap/verify/public_key-jwk': [iapKey] },
    owner: 'accounts.google.com:10769150350006150715113082367',
    patient: iapPatient,
    recorder: changed(iapPatient, {
      sub: 'accounts.google.com:1100',
      email: 'recorder@clinic-prod.iam.gserviceaccount.com',
      hd: undefined,
    }),
    analyst: changed(iapPatient, { sub: 'accounts.google.com:2200', email: 'sec@clinic.example' }),
    mistakes: {
      "`audience` with the project's id, not its number": {
        entries: every({ audience: '/projects/clinic-prod/global/backendServices/9876543210' }),
      },
      'no `header` in the entry': { entries: every({ header: undefined }) },
      "a caller's own Google ID token in `Authorization`, which counts first": {
        sent: {
          key: firebaseKey,
          claims: {
            ...iapPatient.claims,
            iss: 'https://accounts.google.com',
            aud: 'iap-client.apps.googleusercontent.com',
          },
        },
      },
    },
  },
}
