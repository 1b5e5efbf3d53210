import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/authenticate/entry.ts'
import { subjectOf } from '../../../src/authenticate/subject-claims.ts'
import { Refusal } from '../../../src/refusal.ts'

const ISSUER: Entry = {
  issuer: 'https://login.clinic.test/',
  audience: 'recordings',
  algorithms: ['ES256'],
  allowed_roles: ['app'],
  allTenants: false,
  name: 'https://login.clinic.test/',
  tenant: undefined,
  owns: true,
}
const LONG = 'x'.repeat(255)
const read = (claims: object, entry: Partial<Entry> = {}) => {
  const subject = subjectOf({ sub: 'patient-1', ...claims }, { ...ISSUER, ...entry }, 'fingerprint')
  if (subject instanceof Refusal) throw new Error(subject.reason)
  return subject
}
const bare = { id: 'patient-1', issuer: ISSUER.issuer, roles: [], token: 'fingerprint' }

test('a token with a subject alone yields no other facts', () => {
  expect(read({})).toStrictEqual(bare)
})

test('each fact about a subject is read from its usual claim', () => {
  expect(
    read({ roles: ['patient'], jti: 'id-1', sid: 'session-1', client_id: 'app-1', azp: 'app-2' }),
  ).toStrictEqual({
    ...bare,
    roles: ['patient'],
    token: 'id-1',
    session: 'session-1',
    client: 'app-1',
  })
  expect(read({ azp: 'app-2', tenant: 'north', release: '1.2' })).toStrictEqual({ ...bare, client: 'app-2' })
})

test('each fact about a subject is read from the claim that the issuer’s entry names, and from no other', () => {
  const entry = {
    subject_claim: 'oid',
    roles_claim: 'groups',
    session_claim: 'session',
    release_claim: 'version',
    tenant_claim: 'tid',
  }
  const claims = { oid: 'patient-2', groups: 'a', session: 's', version: '4.12', tid: 'north' }
  expect(read({ ...claims, roles: ['patient'], sid: 'session-1' }, entry)).toStrictEqual({
    ...bare,
    id: 'patient-2',
    roles: ['a'],
    session: 's',
    release: '4.12',
    tenant: 'north',
  })
})

describe('claim values', () => {
  test.each([[''], [`${LONG}x`], [1], [['a']], [{}], [null], [true]])(
    'a claim of %o does not count',
    value => {
      expect(
        read({ jti: value, sid: value, client_id: value, azp: 'app-2', v: value }, { release_claim: 'v' }),
      ).toStrictEqual({
        ...bare,
        client: 'app-2',
      })
      expect(() => read({ sub: value })).toThrow('token_claim_missing')
    },
  )

  test('a claim of 255 characters counts', () => {
    expect(read({ sub: LONG, jti: LONG, sid: LONG })).toStrictEqual({
      ...bare,
      id: LONG,
      token: LONG,
      session: LONG,
    })
  })
})

describe('roles', () => {
  test('roles are a list, or a string with spaces', () => {
    expect(read({ roles: ['patient', 'app'] }).roles).toEqual(['patient', 'app'])
    expect(read({ roles: 'patient  app' }).roles).toEqual(['patient', 'app'])
    for (const none of [undefined, null, 1, {}, true]) {
      expect(read({ roles: none }).roles).toEqual([])
    }
  })

  test('roles of the gate count only if the issuer may give them', () => {
    const roles = ['recorder', 'security', 'app', 'Recorder']
    expect(read({ roles }).roles).toEqual(['app', 'Recorder'])
    expect(read({ roles }, { allowed_roles: [] }).roles).toEqual(['Recorder'])
    expect(read({ roles: roles.join(' ') }, { allowed_roles: ['recorder', 'security'] }).roles).toEqual([
      'recorder',
      'security',
      'Recorder',
    ])
  })

  test('roles count up to the 32nd, and only strings of 1 to 255 characters', () => {
    const many = Array.from({ length: 40 }, (_, i) => `role-${i}`)
    expect(read({ roles: many }).roles).toEqual(many.slice(0, 32))
    expect(read({ roles: [1, '', LONG, `${LONG}x`, ['app'], null, 'a'] }).roles).toEqual([LONG, 'a'])
  })
})

describe('tenants', () => {
  const entry = { tenant_claim: 'tid' }

  test.each(['n', 'North-1', 'a._:/-z', `a${'b'.repeat(63)}`])('a tenant may be named %j', tid => {
    expect(read({ tid }, entry).tenant).toBe(tid)
  })

  test.each([
    [undefined],
    [''],
    ['-north'],
    ['nor th'],
    ['nörth'],
    ['north\n'],
    [`a${'b'.repeat(64)}`],
    [7],
    [['north']],
  ])('a token is refused if its tenant, which is required, is %j', tid => {
    expect(() => read({ tid }, entry)).toThrow('token_claim_missing')
  })

  test('a subject with a tenant is not one of all tenants, even if its issuer serves them all', () => {
    expect(read({ tid: 'north' }, { ...entry, allTenants: true })).not.toHaveProperty('allTenants')
    expect(read({}, { allTenants: true })).toStrictEqual({ ...bare, allTenants: true })
    expect(read({}, { allTenants: false })).not.toHaveProperty('allTenants')
  })
})

describe('actors', () => {
  test('an actor is of the token’s issuer unless it names another', () => {
    expect(read({ act: { sub: 'agent-7' } }).actor).toStrictEqual({ id: 'agent-7', issuer: ISSUER.issuer })
    expect(read({ act: { sub: 'agent-7', iss: 'https://staff.test/' } }).actor).toStrictEqual({
      id: 'agent-7',
      issuer: 'https://staff.test/',
    })
  })

  test('an actor comes with the prior actors, each of the token’s issuer unless it names another', () => {
    const act = { sub: 'a', iss: 'https://staff.test/', act: { sub: 'b', act: { sub: 'c', act: null } } }
    expect(read({ act }).actor).toStrictEqual({
      id: 'a',
      issuer: 'https://staff.test/',
      actor: { id: 'b', issuer: ISSUER.issuer, actor: { id: 'c', issuer: ISSUER.issuer } },
    })
  })

  test.each([
    [null],
    ['agent-7'],
    [{}],
    [{ sub: 7 }],
    [{ sub: 'a', iss: '' }],
    [{ sub: 'a', iss: null }],
    [{ sub: 'a', act: {} }],
    [{ sub: 'a', act: 'b' }],
  ])('no actor is read from an act claim of %j', act => {
    expect(read({ act })).not.toHaveProperty('actor')
  })
})
