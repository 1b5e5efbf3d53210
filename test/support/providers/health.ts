import { OWN_STAFF } from './own.ts'
import { entry, every, type Provider } from './provider.ts'
import { changed, opaque, signingKey, type Token } from './token.ts'

// What health systems sign patients in with.

const FHIR = 'https://fhir.hospital.example/r4'

const smartKey = signingKey('rsa', 'smart-1', 'RS384')
const smartPatient: Token = {
  key: smartKey,
  claims: {
    iss: 'https://auth.hospital.example',
    aud: FHIR,
    sub: 'portal-user-31',
    client_id: 'patient-app',
    scope: 'openid fhirUser launch/patient patient/*.rs',
    patient: '12724066',
    fhirUser: 'Patient/12724066',
  },
}
const smartMachine: Token = {
  key: smartKey,
  claims: {
    iss: 'https://auth.hospital.example',
    aud: FHIR,
    sub: 'recorder-client',
    client_id: 'recorder-client',
    scope: 'system/Media.c',
  },
}

const EPIC = 'https://fhir.hospital.example/interconnect'
const epicKey = signingKey('rsa', 'epic-1', 'RS256')
const epicPatient: Token = {
  key: epicKey,
  claims: {
    iss: `${EPIC}/oauth2`,
    aud: 'a1b2c3d4-patient-app',
    sub: 'eIXesllypH3M9tAA5WdJftQ3',
    fhirUser: `${EPIC}/api/FHIR/R4/Patient/erXuFYUfucBZaryVksYEcMg3`,
  },
}
/** What is added to a provider that signs in patients alone. */
const withOwnStaff = (keys: Provider['keys'], note: string) => ({
  ...OWN_STAFF,
  keys: { ...keys, ...OWN_STAFF.keys },
  notes: { recorder: note, analyst: note },
})
const patientsAlone =
  'Through [an issuer of your own](#a-server-of-your-own), as the provider has no tokens for machines that name their client.'

const oracle =
  'https://authorization.cerner.com/tenants/ec2458f2-1e24-41c8-b71b-0e701af7583d/oidc/idsps/ec2458f2-1e24-41c8-b71b-0e701af7583d/'
const oracleKey = signingKey('rsa', 'oracle-1', 'RS256')
const oraclePatient: Token = {
  key: oracleKey,
  claims: {
    iss: oracle,
    aud: 'f2ab8cbd-patient-app',
    sub: 'a3f7',
    name: 'Pat',
    fhirUser: 'https://fhir-myrecord.cerner.com/r4/ec2458f2-1e24-41c8-b71b-0e701af7583d/Patient/12724066',
  },
}

const nhs = 'https://auth.login.nhs.uk'
const nhsKey = signingKey('rsa', 'b38d', 'RS512')
const nhsPatient: Token = {
  key: nhsKey,
  header: { sub: 'd3f60bb9-fb87', aud: 'clinic-app', iss: nhs },
  claims: {
    iss: nhs,
    sub: 'd3f60bb9-fb87',
    aud: 'clinic-app',
    nhs_number: '9434765919',
    identity_proofing_level: 'P9',
    vot: 'P9.Cp.Cd',
    vtm: `${nhs}/trustmark/auth.login.nhs.uk`,
    token_use: 'id',
    birthdate: '1980-01-01',
    family_name: 'X',
    jti: 'j-1',
  },
}
const medplumKey = signingKey('rsa', '9a6e', 'RS256')
const medplumPatient: Token = {
  key: medplumKey,
  claims: {
    iss: 'https://api.medplum.com/',
    aud: 'https://api.medplum.com/',
    client_id: '0190aaaa-patient-app',
    login_id: 'l-1',
    sub: 'u-1',
    username: 'u-1',
    scope: 'openid profile',
    profile: 'Patient/0190bbbb',
    jti: 'j-1',
  },
}

const salesforceKey = signingKey('rsa', '246', 'RS256')
const salesforce = 'https://clinic.my.salesforce.com'
const salesforcePatient: Token = {
  key: salesforceKey,
  header: { tnk: 'core/prod/00D', ver: '1.0', tty: 'sfdc-core-token' },
  claims: {
    iss: salesforce,
    aud: [salesforce],
    client_id: '3MVG9patientApp',
    sub: 'uid:005B0000000abcd',
    scp: 'openid api',
    mty: 'oauth',
    sfi: 's-1',
    roles: [],
  },
}

export const HEALTH: Readonly<Record<string, Provider>> = {
  'SMART on FHIR: JWT access tokens': {
    keys: { 'https://auth.hospital.example/jwks': [smartKey] },
    owner: 'Patient/12724066',
    patient: smartPatient,
    recorder: smartMachine,
    analyst: changed(smartMachine, { sub: 'console-client', client_id: 'console-client' }),
    mistakes: {
      "a clinician opens the patient's chart": {
        sent: changed(smartPatient, { fhirUser: 'Practitioner/77' }),
      },
      "the app doesn't ask for the scopes `openid fhirUser`": {
        sent: changed(smartPatient, { fhirUser: undefined }),
      },
      '`fhirUser` is a URL, and the entry has no `fhir_base`': {
        entries: every({ fhir_base: undefined }),
        sent: changed(smartPatient, { fhirUser: `${FHIR}/Patient/12724066` }),
      },
      'no `"owns": false` in the machines\' entry': { entries: entry(1, { owns: undefined }) },
    },
  },
  'SMART on FHIR: Epic': {
    ...withOwnStaff({ [`${EPIC}/oauth2`]: [epicKey] }, patientsAlone),
    owner: `${EPIC}/api/FHIR/R4/Patient/erXuFYUfucBZaryVksYEcMg3`,
    patient: epicPatient,
    mistakes: {
      'the app sends its access token, which is opaque': { sent: opaque('ggFLm9Dq2bJVv0nV4T6kUXq~Zs1') },
      "the app doesn't ask for the scopes `openid fhirUser`": {
        sent: changed(epicPatient, { fhirUser: undefined }),
      },
      'the recorder stamps the id alone, and not the whole URL in `fhirUser`': {
        storedFor: 'erXuFYUfucBZaryVksYEcMg3',
      },
    },
  },
  'SMART on FHIR: Oracle Health (Cerner)': {
    ...withOwnStaff({ [oracle]: [oracleKey] }, patientsAlone),
    owner: String(oraclePatient.claims.fhirUser),
    patient: oraclePatient,
    mistakes: {
      'the app sends its access token: its `iss` is another one, and it has no `aud`': {
        sent: changed(oraclePatient, { iss: 'https://authorization.cerner.com/', aud: undefined }),
      },
      'the ID token of another app': { sent: changed(oraclePatient, { aud: 'another-app' }) },
      "the app doesn't ask for the scopes `openid fhirUser`": {
        sent: changed(oraclePatient, { fhirUser: undefined }),
      },
    },
  },
  'NHS login': {
    ...withOwnStaff({ [`${nhs}/.well-known/jwks.json`]: [nhsKey] }, patientsAlone),
    owner: '9434765919',
    patient: nhsPatient,
    mistakes: {
      'a user whose identity was checked to `P5` only': {
        sent: changed(nhsPatient, { identity_proofing_level: 'P5', vot: 'P5.Cp.Cd' }),
      },
      "the app doesn't ask for the scope `profile`": {
        sent: changed(nhsPatient, { nhs_number: undefined, identity_proofing_level: undefined }),
      },
      'the app sends its access token': {
        sent: changed(nhsPatient, {
          aud: undefined,
          nhs_number: undefined,
          client_id: 'clinic-app',
          token_use: 'access',
        }),
      },
      'a login with a weaker vector of trust': { sent: changed(nhsPatient, { vot: 'P9.Cp' }) },
    },
  },
  Medplum: {
    keys: { 'https://api.medplum.com/.well-known/jwks.json': [medplumKey] },
    owner: 'Patient/0190bbbb',
    patient: medplumPatient,
    recorder: changed(medplumPatient, {
      client_id: '0190aaaa-recorder',
      sub: '0190aaaa-recorder',
      username: '0190aaaa-recorder',
      profile: 'ClientApplication/0190aaaa-recorder',
    }),
    analyst: changed(medplumPatient, { sub: 'u-2', username: 'u-2', profile: 'Practitioner/0190cccc' }),
    mistakes: {
      'a token of another project: all projects of a server have one `iss` and one `aud`': {
        sent: changed(medplumPatient, { client_id: '0190ffff-another-project' }),
      },
      'the refresh token, which names no profile': {
        sent: changed(medplumPatient, { profile: undefined, refresh_secret: 'r' }),
      },
      '`issuer` without the slash at its end': { entries: every({ issuer: 'https://api.medplum.com' }) },
    },
  },
  Salesforce: {
    keys: { [`${salesforce}/id/keys`]: [salesforceKey] },
    owner: 'uid:005B0000000abcd',
    patient: salesforcePatient,
    recorder: changed(salesforcePatient, { client_id: '3MVG9recorder', sub: 'uid:005B0000000rec' }),
    analyst: changed(salesforcePatient, { client_id: '3MVG9console', sub: 'uid:005B0000000sec' }),
    mistakes: {
      'the app still issues opaque access tokens': { sent: opaque('00DB0000000TfcR!AQQAQFhoK8vTMg_rKA') },
      "an app that isn't in `clients`": { sent: changed(salesforcePatient, { client_id: '3MVG9another' }) },
      '`issuer` is `https://login.salesforce.com`': {
        entries: every({ issuer: 'https://login.salesforce.com' }),
      },
    },
  },
}
