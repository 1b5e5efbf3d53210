import { every, type Provider } from './provider.ts'
import { changed, signingKey, type Token } from './token.ts'

// Keycloak's tokens, as its documents show them, and two proxies that sign in before the gate.

const realm = 'https://sso.clinic.example/realms/clinic'
const realmKey = signingKey('rsa', 'FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE', 'RS256', { x5t: 'x' })
const realmKeys = { [`${realm}/protocol/openid-connect/certs`]: [realmKey] }
const keycloakPatient: Token = {
  key: realmKey,
  claims: {
    iss: realm,
    aud: ['recordings', 'account'],
    sub: '1b2f4e6a-patient',
    typ: 'Bearer',
    azp: 'patient-app',
    sid: 's-1',
    acr: '1',
    'allowed-origins': ['https://app.clinic.example'],
    realm_access: { roles: ['default-roles-clinic', 'offline_access', 'uma_authorization'] },
    resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
    scope: 'profile email',
    jti: 'onrtac:5f',
  },
}
const inRealmRole = (role: string) => ({ realm_access: { roles: ['default-roles-clinic', role] } })
const keycloakRecorder = changed(keycloakPatient, {
  sub: 'service-account-recorder',
  azp: 'recorder',
  sid: undefined,
  ...inRealmRole('recorder'),
})
const keycloakAnalyst = changed(keycloakPatient, { sub: 'sec', ...inRealmRole('security') })
const unmapped = { aud: 'account', groups: [] }

const proxyPlace = { header: 'X-Forwarded-Access-Token' }

const accessIssuer = 'https://clinic.cloudflareaccess.com'
const accessKey = signingKey('rsa', '6db7a4e5f9b1', 'RS256')
const accessPlace = { header: 'Cf-Access-Jwt-Assertion' }
const accessPatient: Token = {
  key: accessKey,
  place: accessPlace,
  claims: {
    aud: ['32eafc7626e737'],
    email: 'pat@clinic.example',
    iss: accessIssuer,
    type: 'app',
    identity_nonce: '6ei69kawdKzMIAPF',
    sub: '7335d417-61da-459d-899c-0a01c76a2f94',
    country: 'GB',
  },
}
const accessRecorder: Token = {
  key: accessKey,
  place: accessPlace,
  claims: {
    type: 'app',
    aud: ['97e2aaea120121'],
    iss: accessIssuer,
    common_name: 'e367826f93b8.access',
    sub: '',
  },
}

export const KEYCLOAK_AND_PROXIES: Readonly<Record<string, Provider>> = {
  Keycloak: {
    keys: realmKeys,
    owner: '1b2f4e6a-patient',
    patient: keycloakPatient,
    recorder: keycloakRecorder,
    analyst: keycloakAnalyst,
    mistakes: {
      'no audience mapper': { sent: changed(keycloakPatient, { aud: 'account' }) },
      'the client lacks the client scope `basic`, so there is no `sub`': {
        sent: changed(keycloakPatient, { sub: undefined }),
      },
      '`roles_claim` as one string: `"realm_access.roles"`': {
        by: 'analyst',
        entries: every({ roles_claim: 'realm_access.roles' }),
      },
      'the app reaches Keycloak by another host name, which is then in `iss`': {
        sent: changed(keycloakPatient, { iss: 'http://keycloak:8080/realms/clinic' }),
      },
    },
  },
  'Keycloak: no audience mapper, roles by groups': {
    keys: realmKeys,
    owner: '1b2f4e6a-patient',
    patient: changed(keycloakPatient, unmapped),
    recorder: changed(keycloakRecorder, { ...unmapped, groups: ['/recorder'] }),
    analyst: changed(keycloakAnalyst, { ...unmapped, groups: ['/security'] }),
    mistakes: {
      '`clients` without `"audience": "account"`': { entries: every({ audience: undefined }) },
      "a new client isn't in `clients`": { sent: changed(keycloakPatient, { ...unmapped, azp: 'new-app' }) },
      "the group's name in `roles` without its slash": {
        by: 'analyst',
        entries: every({ roles: { recorder: ['recorder'], security: ['security'] } }),
      },
    },
  },
  'oauth2-proxy': {
    keys: realmKeys,
    owner: '1b2f4e6a-patient',
    patient: { ...keycloakPatient, place: proxyPlace },
    recorder: keycloakRecorder,
    analyst: { ...keycloakAnalyst, place: proxyPlace },
    mistakes: {
      "nginx's `auth_request` passes on `X-Auth-Request-Access-Token` instead": {
        sent: { ...keycloakPatient, place: { header: 'X-Auth-Request-Access-Token' } },
      },
      '`--pass-authorization-header`: it sends the ID token in `Authorization`, which counts first': {
        sent: changed(keycloakPatient, { aud: 'patient-app', typ: 'ID' }),
      },
      "the proxy's login asks for no scope with the audience mapper": {
        sent: changed({ ...keycloakPatient, place: proxyPlace }, { aud: 'account' }),
      },
    },
  },
  'Cloudflare Access': {
    keys: { [`${accessIssuer}/cdn-cgi/access/certs`]: [accessKey] },
    owner: '7335d417-61da-459d-899c-0a01c76a2f94',
    patient: accessPatient,
    recorder: accessRecorder,
    analyst: changed(accessPatient, { sub: 'sec', custom: { groups: ['security'] } }),
    mistakes: {
      'no `header` in the entry': { entries: every({ header: undefined }) },
      'the recorder calls the people\'s application: a service token has `"sub": ""`': {
        by: 'recorder',
        sent: changed(accessRecorder, { aud: ['32eafc7626e737'] }),
      },
      'the AUD tag of another application': { sent: changed(accessPatient, { aud: ['another'] }) },
    },
  },
}
