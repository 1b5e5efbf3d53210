import { describe, expect, test } from 'vitest'
import { checkTable } from '../../../../src/config/check-options.ts'
import { ConfigurationError } from '../../../../src/config/options.ts'
import { readLocalVariables } from '../../../../src/runtime/local/local-variables.ts'
import { DATABASE_OPTIONS, databaseOf } from '../../../../src/runtime/postgres/options.ts'

const S3 = {
  S3_ENDPOINT: 'https://s3.example',
  S3_BUCKET: 'recordings',
  S3_ACCESS_KEY_ID: 'id',
  S3_SECRET_ACCESS_KEY: 'secret',
}
const URL_HERE = 'postgres://gate:hunter2@127.0.0.1/mediaward'
const URL_THERE = 'postgres://gate:hunter2@db.clinic.example/mediaward'

/** Returns the mistakes in an address. */
function mistakesIn(url: string, more: object = {}): string {
  try {
    checkTable(DATABASE_OPTIONS, { s3: { endpoint: S3.S3_ENDPOINT }, database: { url, ...more } })
    return ''
  } catch (error) {
    return error instanceof ConfigurationError ? error.mistakes.join('\n') : `${error}`
  }
}

describe('the address of a database', () => {
  test.each([
    URL_HERE,
    URL_THERE,
    'postgresql://gate:hunter2@db.clinic.example:6432/log',
    'postgres://gate:p%40ss%2Fw@[::1]:5433/mediaward',
    `${URL_THERE}?sslmode=verify-full`,
    `${URL_THERE}?sslmode=require`,
    `${URL_HERE}?sslmode=disable`,
    'postgres://gate:hunter2@localhost/mediaward?sslmode=disable',
  ])('%s is taken', url => expect(mistakesIn(url)).toBe(''))

  test.each([
    ['', 'must be the address of a database'],
    ['db.clinic.example', 'must be the address of a database'],
    ['mysql://gate:hunter2@db.clinic.example/mediaward', 'must be the address of a database'],
    ['postgres://db.clinic.example/mediaward', 'must be the address of a database'],
    ['postgres://gate@db.clinic.example/mediaward', 'must be the address of a database'],
    ['postgres://gate:hunter2@db.clinic.example', 'must be the address of a database'],
    ['postgres://gate:hunter2@db.clinic.example/', 'must be the address of a database'],
    ['postgres://gate:hunter2@a.example,b.example/mediaward', 'must be the address of a database'],
    ['postgres://gate:hunter2%zz@db.clinic.example/mediaward', 'must be the address of a database'],
    [`${URL_THERE}?sslmode=prefer`, 'must have "verify-full" as its sslmode'],
    [`${URL_THERE}?sslmode=disable`, 'must not say sslmode=disable'],
    [
      'postgres://gate:hunter2@127.0.0.1.clinic.example/mediaward?sslmode=disable',
      'must not say sslmode=disable',
    ],
    [`${URL_THERE}?options=-csearch_path%3Dx`, 'must have no parameter but sslmode'],
    ['postgres://gate:hunter2#x@db.clinic.example/mediaward', 'must be the address of a database'],
  ])('%s is refused, and the message does not repeat it', (url, what) => {
    const mistakes = mistakesIn(url)
    expect(mistakes).toMatch(/^DATABASE_URL \(database\.url\) /)
    expect(mistakes).toContain(what)
    expect(mistakes).not.toMatch(/hunter2|clinic\.example/)
  })

  test('TLS is used with a certificate that is checked, except on this machine or if it is allowed', () => {
    const tls = (url: string, allowUnverified = false) => databaseOf({ url, allowUnverified }).tls
    expect([tls(URL_HERE), tls(URL_THERE), tls(`${URL_THERE}?sslmode=require`)]).toEqual([
      'none',
      'verified',
      'verified',
    ])
    expect(tls(`${URL_HERE}?sslmode=verify-full`)).toBe('verified')
    expect(tls(URL_THERE, true)).toBe('verified')
    expect(tls(`${URL_THERE}?sslmode=require`, true)).toBe('unverified')
    expect(tls(`${URL_THERE}?sslmode=disable`, true)).toBe('none')
    expect(() => tls(`${URL_THERE}?sslmode=disable`)).toThrow(ConfigurationError)
  })

  test('what is percent-encoded in it is decoded', () => {
    expect(databaseOf({ url: 'postgres://g%40te:p%2Fw%3F@[::1]:5433/medi%20award' })).toEqual({
      host: '::1',
      port: 5433,
      user: 'g@te',
      password: 'p/w?',
      database: 'medi award',
      tls: 'none',
    })
  })
})

describe('the variables of a fleet', () => {
  const mistakes = (variables: Record<string, string>): readonly string[] => {
    try {
      readLocalVariables(variables)
      return []
    } catch (error) {
      return error instanceof ConfigurationError ? error.mistakes : [`${error}`]
    }
  }
  const WHOLE = { DATA_DIR: '/var/lib/mediaward', DATABASE_URL: URL_THERE, ...S3 }

  test('a gate has a folder, or a database and the permission to have no spool', () => {
    const { DATA_DIR: _, ...without } = WHOLE
    const missing = 'DATA_DIR (data) is missing: it must name a folder on a local disk, for this gate alone'
    expect(mistakes(WHOLE)).toEqual([])
    expect(mistakes({})).toEqual([missing])
    expect(mistakes(without)).toEqual([missing])
    expect(mistakes({ ...without, ALLOW_NO_SPOOL: 'false' })).toEqual([missing])
    expect(mistakes({ ...without, ALLOW_NO_SPOOL: 'yes' })).toEqual([
      missing,
      'ALLOW_NO_SPOOL (database.allowNoSpool) must be true or false',
    ])
    expect(mistakes({ ...without, ALLOW_NO_SPOOL: 'true' })).toEqual([])
  })

  test('a shared log needs shared recordings, and what is allowed of a database needs one', () => {
    const { DATA_DIR, DATABASE_URL } = WHOLE
    expect(mistakes({ DATA_DIR, DATABASE_URL }).join()).toMatch(
      /^DATABASE_URL \(database\.url\) needs S3_ENDPOINT \(s3\.endpoint\), which is missing/,
    )
    expect(mistakes({ ALLOW_NO_SPOOL: 'true', ...S3 }).join()).toMatch(
      /^DATABASE_URL \(database\.url\) is missing, which the rest of database needs/,
    )
  })
})
