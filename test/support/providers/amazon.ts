import { randomBytes } from 'node:crypto'
import { entry, every, type Provider } from './provider.ts'
import { changed, opaque, type Raw, signingKey, type Token } from './token.ts'

// Tokens as Amazon's documents show them: of Cognito, and behind a load balancer.

const API = 'https://recordings.clinic.example'

const pool = 'https://cognito-idp.eu-west-2.amazonaws.com/eu-west-2_EXAMPLE'
// Cognito's key ids end with "=".
const cognitoKey = signingKey('rsa', 'abcdefghijklmnopqrsexample=', 'RS256')
const cognitoKeys = { [`${pool}/.well-known/jwks.json`]: [cognitoKey] }
const SUB = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const cognitoAccess: Token = {
  key: cognitoKey,
  header: { typ: undefined },
  claims: {
    sub: SUB,
    iss: pool,
    version: 2,
    client_id: '1example23456789',
    origin_jti: 'o-1',
    event_id: 'e-1',
    token_use: 'access',
    scope: 'openid profile',
    jti: 'j-1',
    username: SUB,
  },
}
const cognitoId: Token = {
  ...cognitoAccess,
  claims: {
    sub: SUB,
    iss: pool,
    aud: '1example23456789',
    'cognito:username': SUB,
    'custom:patient_id': '9434765919',
    email_verified: true,
    token_use: 'id',
    event_id: 'e-1',
    jti: 'j-2',
  },
}
const cognitoMachine: Token = {
  ...cognitoAccess,
  claims: {
    sub: '7recorder456789',
    token_use: 'access',
    scope: 'recordings/recorder',
    iss: pool,
    version: 2,
    jti: 'j-3',
    client_id: '7recorder456789',
  },
}
const cognitoAnalyst = changed(cognitoAccess, {
  sub: 'security-sub',
  username: 'sec',
  'cognito:groups': ['security'],
})

const albPlace = { header: 'X-Amzn-Oidc-Accesstoken' }
/** A token as a load balancer signs it itself: its base64 has padding. */
const albData: Raw = {
  raw: [
    { alg: 'ES256', kid: 'c2f80c8b', signer: 'arn:aws' },
    { sub: SUB, iss: pool },
  ]
    .map(part => Buffer.from(`${JSON.stringify(part)} `.padEnd(65)).toString('base64'))
    .concat(randomBytes(64).toString('base64'))
    .join('.'),
  place: { header: 'X-Amzn-Oidc-Data' },
}

export const AMAZON: Readonly<Record<string, Provider>> = {
  'Amazon Cognito: access tokens': {
    keys: cognitoKeys,
    owner: SUB,
    patient: cognitoAccess,
    recorder: cognitoMachine,
    analyst: cognitoAnalyst,
    mistakes: {
      '`audience` in place of `clients`: access tokens have no `aud`': {
        entries: entry(0, { clients: undefined, audience: '1example23456789' }),
      },
      "a new app client isn't in `clients`": { sent: changed(cognitoAccess, { client_id: '2example98765' }) },
      'the app sends its ID token': { sent: cognitoId },
    },
  },
  'Amazon Cognito: ID tokens': {
    keys: cognitoKeys,
    owner: '9434765919',
    patient: cognitoId,
    recorder: cognitoMachine,
    analyst: changed(cognitoId, {
      sub: 'security-sub',
      aud: '3staff45678901',
      'custom:patient_id': undefined,
      'cognito:groups': ['security'],
    }),
    mistakes: {
      'the app client may not read `custom:patient_id`': {
        sent: changed(cognitoId, { 'custom:patient_id': undefined }),
      },
      'the app sends its access token': { sent: cognitoAccess },
      'no `"owns": false` in the entries whose subject is `sub`': { entries: every({ owns: undefined }) },
    },
  },
  'Amazon Cognito: resource binding': {
    keys: cognitoKeys,
    owner: SUB,
    patient: changed(cognitoAccess, { aud: API }),
    recorder: cognitoMachine,
    analyst: changed(cognitoAnalyst, { aud: API }),
    mistakes: {
      'the app asks for no `resource`, so there is no `aud`': { sent: cognitoAccess },
      "the machines' entry with `audience`: their tokens have no `aud`": {
        by: 'recorder',
        entries: entry(1, { clients: undefined, audience: 'recordings' }),
      },
      'the app sends its ID token': { sent: cognitoId },
    },
  },
  'AWS Application Load Balancer': {
    keys: cognitoKeys,
    owner: SUB,
    patient: { ...cognitoAccess, place: albPlace },
    recorder: cognitoMachine,
    analyst: { ...cognitoAnalyst, place: albPlace },
    mistakes: {
      '`header` is `X-Amzn-Oidc-Data`: its base64 is padded, and its keys are PEM files': {
        entries: every({ header: 'X-Amzn-Oidc-Data' }),
        sent: albData,
      },
      "`header` is `X-Amzn-Oidc-Identity`, which holds the user's id": {
        entries: every({ header: 'X-Amzn-Oidc-Identity' }),
        sent: { ...opaque(SUB), place: { header: 'X-Amzn-Oidc-Identity' } },
      },
      "the load balancer's app client isn't in `clients`": {
        sent: changed({ ...cognitoAccess, place: albPlace }, { client_id: '2example98765' }),
      },
    },
  },
}
