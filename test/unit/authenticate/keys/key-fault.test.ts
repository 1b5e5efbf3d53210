import { describe, expect, test } from 'vitest'
import { describeError, describeFetchError } from '../../../../src/authenticate/keys/key-fault.ts'
import { TimedOut } from '../../../../src/base/timeout.ts'

const failed = (cause: unknown) => new TypeError('fetch failed', { cause })
const withCode = (message: string, code: unknown) => Object.assign(new Error(message), { code })

describe('describeFetchError', () => {
  // As the three runtimes say it.
  test.each<[string, unknown, string]>([
    [
      'a refused connection on Node',
      failed(withCode('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED')),
      'ECONNREFUSED',
    ],
    [
      'a refused connection on Node with several addresses',
      failed(Object.assign(new AggregateError([new Error('one')], ''), { code: 'ECONNREFUSED' })),
      'ECONNREFUSED',
    ],
    [
      'an unknown CA on Node',
      failed(withCode('unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    [
      'an unknown CA on Deno',
      failed(
        new Error(
          'error sending request for url (https://idp.test/jwks?key=SECRET): client error (Connect): invalid peer certificate: UnknownIssuer',
        ),
      ),
      'client error (Connect): invalid peer certificate: UnknownIssuer',
    ],
    [
      'a closed connection on Deno',
      failed(
        new Error(
          'error sending request from 127.0.0.1:40922 for http://127.0.0.1:1/ (127.0.0.1:1): client error (SendRequest): connection closed',
        ),
      ),
      'client error (SendRequest): connection closed',
    ],
    [
      'an unknown CA on workerd',
      new Error('internal error; reference = op5nojco682fk0m7geb9da7d'),
      "internal error; reference = op5nojco682fk0m7geb9da7d: check the server's name and certificate",
    ],
    ['a closed connection on workerd', new Error('Network connection lost.'), 'Network connection lost.'],
    [
      'a timeout',
      Object.assign(new Error('The operation was aborted due to timeout'), {
        name: 'TimeoutError',
        code: 23,
      }),
      'no answer in time',
    ],
    ['a timeout of the gate', new TimedOut(5000), 'no answer in time'],
    ['an error that names a URL', new TypeError('no https://idp.test/jwks?key=SECRET here'), 'no … here'],
    ['an error with control characters', new Error('a\u001b[2J\nb'), 'a\\u{1b}[2J\\u{a}b'],
    ['an error of 1000 characters', new Error('x'.repeat(1000)), `${'x'.repeat(200)}…`],
    ['an error whose code is not a code', withCode('what', 'a b'), 'what'],
    ['what is not an error', 'SECRET', ''],
  ])('%s is described without the URL', (_, error, described) => {
    expect(describeFetchError(error)).toBe(described)
  })

  test('causes that form a circle are followed a few times only', () => {
    const error = new Error('round')
    error.cause = error
    expect(describeFetchError(error)).toBe('round')
  })
})

test('an error of code that is not ours is described by its code or name, never by its message', () => {
  expect(describeError(new RangeError('SECRET'))).toBe('RangeError')
  expect(describeError(failed(withCode('SECRET', 'ENOENT')))).toBe('ENOENT')
  expect(describeError(Object.assign(new Error('SECRET'), { name: 'a\nb' }))).toBe('a\\u{a}b')
  expect(describeError(new TimedOut(1))).toBe('no answer in time')
  expect(describeError('SECRET')).toBe('not an Error')
})
