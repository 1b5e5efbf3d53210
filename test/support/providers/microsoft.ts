import { entry, every, type Provider } from './provider.ts'
import { changed, signingKey, type Token } from './token.ts'

// What Microsoft signs people in with.

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const OTHER_TENANT = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490'
/** The tenant of all private Microsoft accounts. */
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'
const API = 'a1b2c3d4-0000-4000-8000-00000000a001'
const APP = 'a1b2c3d4-0000-4000-8000-00000000b002'
const v2 = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`
const v1 = (tenant: string) => `https://sts.windows.net/${tenant}/`

const KID = 'nOo3ZDrODXEK1jKWhXslHR_KXEg'
const entraKey = signingKey('rsa', KID, 'RS256', {
  alg: undefined,
  x5t: KID,
  issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
})
const entraPatient: Token = {
  key: entraKey,
  header: { x5t: KID },
  claims: {
    aud: API,
    iss: v2(TENANT),
    aio: 'AXQAi',
    azp: APP,
    azpacr: '1',
    oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    rh: '0.A',
    scp: 'Recordings.Play',
    sid: '002a',
    sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
    tid: TENANT,
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    ver: '2.0',
  },
}
const entraRecorder = changed(entraPatient, {
  azp: 'a1b2c3d4-0000-4000-8000-00000000c003',
  idtyp: 'app',
  oid: 'service-principal',
  sub: 'service-principal',
  roles: ['recorder'],
  scp: undefined,
  sid: undefined,
})
const entraAnalyst = changed(entraPatient, { oid: 'sec-oid', sub: 'sec-sub', roles: ['security'] })
const asV1 = (token: Token): Token =>
  changed(token, {
    aud: 'api://recordings',
    iss: v1(TENANT),
    ver: '1.0',
    appid: token.claims.azp,
    azp: undefined,
    azpacr: undefined,
    appidacr: '1',
  })
const graph = changed(entraPatient, {
  aud: '00000003-0000-0000-c000-000000000000',
  iss: v1(TENANT),
  ver: '1.0',
})

const externalId = `https://${TENANT}.ciamlogin.com/${TENANT}/v2.0`
const asExternal = (token: Token): Token => changed(token, { iss: externalId })

const b2c = `https://clinic.b2clogin.com/${TENANT}/v2.0/`
const b2cKey = signingKey('rsa', 'X5eXk4xyojNFum1kl2Ytv8dlNP4-c57dO6QGTVBwaNk', 'RS256', { alg: undefined })
const b2cPolicyKey = signingKey('another rsa', 'GvnPApfWMdLRi8PDmisFn7bprKg', 'RS256', { alg: undefined })
const b2cPatient: Token = {
  key: b2cKey,
  claims: {
    iss: b2c,
    sub: '884408e1-2918-4cf0-b12d-3aa027d7563b',
    aud: API,
    azp: APP,
    scp: 'play',
    tfp: 'B2C_1_signin',
    ver: '1.0',
  },
}
const b2cAnalyst: Token = {
  ...changed(b2cPatient, {
    sub: 'sec',
    azp: 'a1b2c3d4-0000-4000-8000-00000000d004',
    tfp: 'B2C_1A_staff',
    extension_Role: 'security,auditor',
  }),
  key: b2cPolicyKey,
}
const b2cRecorder = changed(b2cPatient, {
  sub: undefined,
  azp: 'a1b2c3d4-0000-4000-8000-00000000c003',
  roles: ['recorder'],
  scp: undefined,
})

const adfs = 'http://adfs.hospital.example/adfs/services/trust'
const adfsKey = signingKey('rsa', 'Xj1Z-2', 'RS256', { x5t: 'Xj1Z-2' })
const adfsPatient: Token = {
  key: adfsKey,
  header: { x5t: 'Xj1Z-2' },
  claims: {
    aud: 'microsoft:identityserver:recordings',
    iss: adfs,
    apptype: 'Public',
    appid: APP,
    authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    scp: 'openid',
    sub: 'Hj4lx2',
    ver: '1.0',
  },
}

export const MICROSOFT: Readonly<Record<string, Provider>> = {
  'Microsoft Entra ID': {
    keys: { [`https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`]: [entraKey] },
    owner: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    patient: entraPatient,
    recorder: entraRecorder,
    analyst: entraAnalyst,
    mistakes: {
      '`requestedAccessTokenVersion` is still `null`, so tokens are of version 1': {
        sent: asV1(entraPatient),
      },
      '`audience` is the Application ID URI (`api://…`)': {
        entries: every({ audience: 'api://recordings' }),
      },
      'the app asks for a scope of Microsoft Graph, so the token is for Graph': { sent: graph },
      'the recorder has a delegated permission, not the app role': {
        by: 'recorder',
        sent: changed(entraRecorder, { roles: undefined }),
      },
    },
  },
  'Microsoft Entra ID: version 1 tokens': {
    keys: { [`https://login.microsoftonline.com/${TENANT}/discovery/keys`]: [entraKey] },
    owner: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    patient: asV1(entraPatient),
    recorder: asV1(entraRecorder),
    analyst: asV1(entraAnalyst),
    mistakes: {
      '`issuer` without the slash at its end': {
        entries: every({ issuer: `https://sts.windows.net/${TENANT}` }),
      },
      '`issuer` is that of version 2 (`login.microsoftonline.com`)': {
        entries: every({ issuer: v2(TENANT) }),
      },
      'only one of the two audiences: `aud` is what the app asked for': {
        sent: changed(asV1(entraPatient), { aud: `api://${API}` }),
      },
    },
  },
  'Microsoft Entra ID: many tenants': {
    keys: { 'https://login.microsoftonline.com/common/discovery/v2.0/keys': [entraKey] },
    owner: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    patient: entraPatient,
    recorder: entraRecorder,
    analyst: entraAnalyst,
    mistakes: {
      'no `tenants`': { entries: every({ tenants: undefined }) },
      'a private Microsoft account': {
        sent: changed(entraPatient, { iss: v2(CONSUMERS), tid: CONSUMERS }),
      },
      'no `allowed_roles`: several tenants count as several issuers': {
        by: 'recorder',
        entries: every({ allowed_roles: undefined }),
      },
      'a recorder of another tenant stores the recording': {
        storedWith: changed(entraRecorder, { iss: v2(OTHER_TENANT), tid: OTHER_TENANT }),
      },
    },
  },
  'Microsoft Entra External ID': {
    keys: { [`https://clinic.ciamlogin.com/${TENANT}/discovery/v2.0/keys`]: [entraKey] },
    owner: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    patient: asExternal(entraPatient),
    recorder: asExternal(entraRecorder),
    analyst: asExternal(entraAnalyst),
    mistakes: {
      "`issuer` begins with the tenant's name (`clinic.ciamlogin.com`), not with its id": {
        entries: every({ issuer: `https://clinic.ciamlogin.com/${TENANT}/v2.0` }),
      },
      '`issuer` is that of a workforce tenant': { entries: every({ issuer: v2(TENANT) }) },
      'the app sends its ID token': { sent: changed(asExternal(entraPatient), { aud: APP, azp: undefined }) },
    },
  },
  'Azure AD B2C': {
    keys: {
      'https://clinic.b2clogin.com/clinic.onmicrosoft.com/B2C_1_signin/discovery/v2.0/keys': [b2cKey],
      'https://clinic.b2clogin.com/clinic.onmicrosoft.com/B2C_1A_staff/discovery/v2.0/keys': [b2cPolicyKey],
    },
    owner: '884408e1-2918-4cf0-b12d-3aa027d7563b',
    patient: b2cPatient,
    recorder: b2cRecorder,
    analyst: b2cAnalyst,
    mistakes: {
      '`issuer` without the slash at its end': {
        entries: every({ issuer: `https://clinic.b2clogin.com/${TENANT}/v2.0` }),
      },
      'the keys of the user flow for the custom policy': {
        by: 'analyst',
        entries: entry(1, {
          jwks_uri: 'https://clinic.b2clogin.com/clinic.onmicrosoft.com/B2C_1_signin/discovery/v2.0/keys',
        }),
      },
      "a user flow that isn't in `required_claims`, such as the one for a new password": {
        sent: changed(b2cPatient, { tfp: 'B2C_1_password_reset' }),
      },
    },
  },
  'AD FS': {
    keys: { 'https://adfs.hospital.example/adfs/discovery/keys': [adfsKey] },
    owner: 'Hj4lx2',
    patient: adfsPatient,
    recorder: changed(adfsPatient, {
      apptype: 'Confidential',
      appid: 'a1b2c3d4-0000-4000-8000-00000000c003',
      sub: undefined,
      roles: 'recorder',
    }),
    analyst: changed(adfsPatient, { sub: 'sec', roles: 'security' }),
    mistakes: {
      '`issuer` is that of ID tokens (`https://…/adfs`)': {
        entries: every({ issuer: 'https://adfs.hospital.example/adfs' }),
      },
      "`audience` without `microsoft:identityserver:` before the Web API's identifier": {
        entries: every({ audience: 'recordings' }),
      },
      'no rule issues the claim `roles`': { by: 'analyst', sent: adfsPatient },
    },
  },
}
