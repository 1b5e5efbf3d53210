import type { Issuer } from '../../src/index.ts'

/** A key for tests alone; its private half is here for everyone to see. */
export const PRIVATE_KEY = {
  kty: 'EC',
  crv: 'P-256',
  kid: 'workerd',
  alg: 'ES256',
  x: 'FLgytRQf6MR-nN3_wPw7o11ZcA7V1d9s6iHXuGaqlTU',
  y: 'DCNKdDhGFcDAQeCWdAvBNiZSqesFgXKNuZAoCg_lwqg',
  d: 'U95J6whYi45ozP7nfYwhNsBPLPs4v7MDQmvmXqwiaA8',
}

const { d: _, ...publicKey } = PRIVATE_KEY

export const issuer: Issuer = {
  issuer: 'https://login.clinic.test/',
  audience: 'recordings',
  algorithms: ['ES256'],
  jwks: { keys: [publicKey] },
}
