import { expect, test } from 'vitest'
import { parseHttpDate } from '../../../src/http/http-date.ts'

const NOW = Date.UTC(2026, 10, 23)
const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37)

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', EXAMPLE],
  ['Sunday, 06-Nov-94 08:49:37 GMT', EXAMPLE],
  ['Sun Nov  6 08:49:37 1994', EXAMPLE],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
  ['Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
  // More than fifty years ahead means the past (RFC 9110 5.6.7).
  ['Monday, 23-Nov-76 00:00:00 GMT', Date.UTC(2076, 10, 23)],
  ['Tuesday, 24-Nov-76 00:00:00 GMT', Date.UTC(1976, 10, 24)],
  ['Wednesday, 23-Nov-77 00:00:00 GMT', Date.UTC(1977, 10, 23)],
  ['Tuesday, 29-Feb-00 00:00:00 GMT', Date.UTC(2000, 1, 29)],
  ['Sun Nov 16 08:49:37 1994', Date.UTC(1994, 10, 16, 8, 49, 37)],
  ['Mon, 01 Jan 2024 23:59:59 GMT', Date.UTC(2024, 0, 1, 23, 59, 59)],
  ['Tue, 31 Dec 2024 00:00:00 GMT', Date.UTC(2024, 11, 31)],
])('the HTTP date %s is %i ms after 1970', (header, expected) =>
  expect(parseHttpDate(header, NOW)).toBe(expected),
)

test.each([
  '',
  '0',
  '1994-11-06T08:49:37Z',
  'Sun, 6 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:49:37',
  'Sun, 06 Nov 1994 08:49:37 UTC',
  'sun, 06 nov 1994 08:49:37 gmt',
  'Sun, 32 Jan 2030 00:00:00 GMT',
  'Sun, 29 Feb 2023 00:00:00 GMT',
  'Sun, 06 Nov 1994 24:00:00 GMT',
  // The hour alone turns these into a day of the next month.
  'Wed, 30 Nov 1994 24:00:00 GMT',
  'Wed, 30 Nov 1994 99:00:00 GMT',
  'Sun, 99 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:60:00 GMT',
  'Sun, 06 Nov 1994 08:49:37 GMT, x',
  ' Sun, 06 Nov 1994 08:49:37 GMT',
  'Sun, 00 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:49:61 GMT',
  'Sun, 31 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 94 08:49:37 GMT',
  'Sunday, 06-Nov-1994 08:49:37 GMT',
  'Sunday, 29-Feb-26 00:00:00 GMT',
  'Sunday, 06-Nov-94 08:49:37 GMT.',
  'xSunday, 06-Nov-94 08:49:37 GMT',
  'Sun Nov 6 08:49:37 1994',
  'Sun Nov  6 08:49:37 1994 GMT',
  'xSun Nov  6 08:49:37 1994',
])('%j is not an HTTP date', header => expect(parseHttpDate(header, NOW)).toBeUndefined())
