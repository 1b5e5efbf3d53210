import { describe, expect, test } from 'vitest'
import { clientOf, refuseAudience } from '../../../src/authenticate/audience.ts'

const reasonOf = (claims: object, meant: { audience?: string | string[]; clients?: string[] }) => {
  const refusal = refuseAudience(claims as Record<string, unknown>, meant)
  return refusal === undefined ? 'meant' : `${refusal.reason} ${refusal.facts.claim}`
}

describe('clients', () => {
  const clients = ['app', 'recorder']

  test.each<[string, object, string]>([
    ['a client_id', { client_id: 'app' }, 'meant'],
    ['an azp', { azp: 'app' }, 'meant'],
    ['a cid', { cid: 'recorder' }, 'meant'],
    ['an appid', { appid: 'app' }, 'meant'],
    ['two clients of the list', { client_id: 'app', azp: 'recorder' }, 'meant'],
    ['an empty list of audiences', { client_id: 'app', aud: [] }, 'meant'],
    ['an empty audience', { client_id: 'app', aud: '' }, 'meant'],
    ['an audience that is null', { client_id: 'app', aud: null }, 'meant'],
    ['a client as its audience', { client_id: 'app', aud: 'app' }, 'meant'],
    ['two clients as its audience', { client_id: 'app', aud: ['app', 'recorder'] }, 'meant'],
    ['a client as its audience and no other claim', { aud: 'app' }, 'meant'],
    ['another client', { client_id: 'shop' }, 'token_client client_id'],
    ['another client beside one of the list', { client_id: 'app', azp: 'shop' }, 'token_client azp'],
    ['a client in another case', { client_id: 'App' }, 'token_client client_id'],
    ['a list of clients', { client_id: ['app'] }, 'token_client client_id'],
    ['an empty client', { client_id: '' }, 'token_client client_id'],
    ['no client', {}, 'token_claim_missing client_id'],
    ['a client that is null', { client_id: null }, 'token_claim_missing client_id'],
    ['an empty list of audiences and no client', { aud: [] }, 'token_claim_missing client_id'],
    ['another audience', { client_id: 'app', aud: 'shop' }, 'token_audience aud'],
    ['another audience beside a client', { client_id: 'app', aud: ['app', 'shop'] }, 'token_audience aud'],
    ['an audience that is a list in a list', { client_id: 'app', aud: [['app']] }, 'token_audience aud'],
  ])('without audience, a token with %s is %3$s', (_, claims, expected) =>
    expect(reasonOf(claims, { clients })).toBe(expected),
  )

  test.each<[string, object, string]>([
    ['the audience and a client', { aud: ['x', 'recordings'], azp: 'app' }, 'meant'],
    ['the audience and another client', { aud: 'recordings', azp: 'shop' }, 'token_client azp'],
    ['the audience and no client', { aud: 'recordings' }, 'token_claim_missing client_id'],
    ['a client as its audience', { aud: 'app', azp: 'app' }, 'token_audience aud'],
    ['no audience', { azp: 'app' }, 'token_claim_missing aud'],
  ])('with audience and clients, a token with %s is %3$s', (_, claims, expected) =>
    expect(reasonOf(claims, { audience: 'recordings', clients })).toBe(expected),
  )

  test('with audience alone, the client does not count', () => {
    expect(reasonOf({ aud: 'recordings', azp: 'shop' }, { audience: 'recordings' })).toBe('meant')
  })

  test('without audience and clients, every token is refused', () => {
    expect(reasonOf({}, {})).toBe('token_claim_missing client_id')
    expect(reasonOf({ client_id: 'app' }, {})).toBe('token_client client_id')
    expect(reasonOf({ aud: 'app' }, {})).toBe('token_audience aud')
    expect(reasonOf({ aud: [undefined] }, {})).toBe('token_audience aud')
  })

  test('the client of a record is the first claim that names one', () => {
    expect(clientOf({ client_id: 'a', azp: 'b', cid: 'c', appid: 'd' })).toBe('a')
    expect(clientOf({ client_id: '', azp: 'b' })).toBe('b')
    expect(clientOf({ cid: 'c' })).toBe('c')
    expect(clientOf({ appid: 'd' })).toBe('d')
    expect(clientOf({})).toBeUndefined()
  })
})
