import { expect, test } from 'vitest'
import { normalizeUrl } from '../../../../src/authenticate/proof/normalize-url.ts'

const URL_OF_REQUEST = 'https://gate.test/recordings/rec-1'

test.each([
  ['HTTPS://gate.test/recordings/rec-1'],
  ['https://GATE.Test/recordings/rec-1'],
  ['https://gate.test:443/recordings/rec-1'],
  ['https://gate.test/recordings/rec-1?part=2'],
  ['https://gate.test/recordings/rec-1#t=10'],
  ['https://gate.test/recordings/rec-1?'],
  ['https://gate.test/recordings/rec%2D1'],
  ['https://gate.test/%72ecordings/rec-%31'],
])('%s is the URL of the request', url => expect(normalizeUrl(url)).toBe(URL_OF_REQUEST))

test.each([
  ['http://gate.test/recordings/rec-1'],
  ['https://gate.test:8443/recordings/rec-1'],
  ['https://gate.test./recordings/rec-1'],
  ['https://gate.test/recordings/REC-1'],
  ['https://gate.test/recordings/rec-1/'],
  ['https://gate.test//recordings/rec-1'],
  ['https://gate.test/recordings/x/../rec-1'],
  ['https://gate.test/recordings/./rec-1'],
  ['https://gate.test/recordings/%2e/rec-1'],
  ['https://gate.test/recordings%2Frec-1'],
  ['https://gate.test/recordings/rec-1%20'],
  ['https://gate.test/recordings/rec-1;x'],
  ['https://user@gate.test/recordings/rec-1'],
  ['https://gate.test@evil.test/recordings/rec-1'],
  ['https://evil.test\\@gate.test/recordings/rec-1'],
  ['https:/gate.test/recordings/rec-1'],
  ['https:\\\\gate.test/recordings/rec-1'],
  ['//gate.test/recordings/rec-1'],
  [' https://gate.test/recordings/rec-1'],
  ['https://gate.test/\trecordings/rec-1'],
  ['https://ga\tte.test/recordings/rec-1'],
  ['ftp://gate.test/recordings/rec-1'],
  [''],
])('%j is not the URL of the request', url => expect(normalizeUrl(url)).not.toBe(URL_OF_REQUEST))

test.each([
  ['http://127.0.0.1:8787/a', 'http://127.0.0.1:8787/a'],
  ['http://[::1]:80/a', 'http://[::1]/a'],
  ['https://gate.test', 'https://gate.test/'],
  ['https://gate.test?a', 'https://gate.test/'],
  ['https://gate.test/a%2fb%c3%a9', 'https://gate.test/a%2Fb%C3%A9'],
  ['https://gate.test/100%', 'https://gate.test/100%'],
])('%s is normalized to %s', (url, normalized) => expect(normalizeUrl(url)).toBe(normalized))

test.each(['https://[::1/a', 'https://gate.test:99999/a', 'mailto:gate', 'gate', ''])(
  '%j is no http(s) URL',
  url => expect(normalizeUrl(url)).toBeUndefined(),
)
