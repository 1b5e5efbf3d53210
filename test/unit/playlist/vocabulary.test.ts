import { describe, expect, test } from 'vitest'
import {
  CLOCK,
  isUriOfHls,
  knownName,
  roleInHls,
  roleOfAttribute,
  roleOfElement,
  SCHEMES_NEVER,
} from '../../../src/playlist/vocabulary.ts'

describe('roleInHls', () => {
  test.each([
    ['playlist', 'EXT-X-STREAM-INF URI'],
    ['playlist', 'EXT-X-I-FRAME-STREAM-INF URI'],
    ['playlist', 'EXT-X-IMAGE-STREAM-INF URI'],
    ['playlist', 'EXT-X-MEDIA URI'],
    ['playlist', 'EXT-X-RENDITION-REPORT URI'],
    ['playlist', 'EXT-X-DATERANGE X-ASSET-URI'],
    ['playlist', 'EXT-X-FUTURE X-ASSET-URI'],
    ['playlist', 'EXT-X-DATERANGE MY-X-ASSET-URI'],
    // ExoPlayer goes by how a tag begins.
    ['playlist', 'EXT-X-MEDIA-FUTURE URI'],
    ['playlist', 'EXT-X-RENDITION-REPORT2 URI'],
    ['playlist', 'EXT-X-STREAM-INFO URI'],
    ['playlist', 'EXT-X-I-FRAME-STREAM-INFO URI'],
    ['playlist', 'EXT-X-FUTURE-STREAM-INF URI'],
    ['playlist', 'EXT-X-MEDIA FUTURE-URL'],
    ['part', 'NOT-EXT-X-MEDIA URI'],
    ['part', 'EXT-STREAM-INF-X URI'],
    ['part', 'EXT-X-MAP URI'],
    ['part', 'EXT-X-KEY URI'],
    ['part', 'EXT-X-SESSION-KEY URI'],
    ['part', 'EXT-X-PART URI'],
    ['part', 'EXT-X-PRELOAD-HINT URI'],
    ['part', 'EXT-X-SESSION-DATA URI'],
    ['part', 'EXT-X-FUTURE URI'],
    ['part', 'EXT-X-FUTURE X-URL'],
    ['part', 'EXT-X-FUTURE X-URIS'],
    ['never', 'EXT-X-CONTENT-STEERING SERVER-URI'],
    ['never', 'EXT-X-DATERANGE X-ASSET-LIST'],
    ['never', 'EXT-X-DATERANGE %X-ASSET-LIST'],
    ['never', 'EXT-X-DATERANGE X-AD-CREATIVE-SIGNALING'],
    ['never', 'EXT-X-DATERANGE X-BACKGROUND'],
    ['text', 'EXT-X-MEDIA NAME'],
    ['text', 'EXT-X-MEDIA LANGUAGE'],
    ['text', 'EXT-X-MEDIA ASSOC-LANGUAGE'],
    ['text', 'EXT-X-MEDIA GROUP-ID'],
    ['text', 'EXT-X-MEDIA CHARACTERISTICS'],
    ['text', 'EXT-X-SESSION-DATA VALUE'],
    ['text', 'EXT-X-SESSION-DATA LANGUAGE'],
    ['text', 'EXT-X-SESSION-DATA DATA-ID'],
    ['text', 'EXT-X-KEY KEYFORMAT'],
    ['text', 'EXT-X-SESSION-KEY KEYFORMAT'],
    ['text', 'EXT-X-DATERANGE CLASS'],
    ['text', 'EXT-X-DATERANGE SCHEME-ID-URI'],
    ['text', 'EXT-X-FUTURE SCHEME-ID-URI'],
    ['text', 'EXT-X-STREAM-INF ALLOWED-CPC'],
    // What is text in one tag is not in another.
    ['rest', 'EXT-X-DATERANGE NAME'],
    ['rest', 'EXT-X-MEDIA VALUE'],
    ['rest', 'EXT-X-MEDIA TYPE'],
    ['rest', 'EXT-X-FUTURE URIX'],
    ['rest', 'EXT-X-FUTURE UR'],
  ])('the role %s is that of the HLS attribute %s', (role, name) => {
    const [tag = '', attribute = ''] = name.split(' ')
    expect(roleInHls(tag, attribute)).toBe(role)
  })

  test.each([
    ['part', 'EXT-X-PREFETCH'],
    ['part', 'EXT-X-TWITCH-PREFETCH'],
    ['never', 'EXT-X-DEFINE'],
    ['never', 'EXT-X-CONTENT-STEERING'],
    ['never', 'EXTVLCOPT'],
    ['never', 'KODIPROP'],
    ['never', 'EXTHTTP'],
    ['never', 'WEBPROP'],
    ['text', 'EXTINF'],
    ['rest', 'EXT-X-KEY'],
    ['rest', 'EXT-X-FUTURE'],
  ])('the role %s is that of the whole value of the HLS tag %s', (role, tag) =>
    expect(roleInHls(tag)).toBe(role),
  )

  test.each([
    ['URI', true],
    ['X-ASSET-URI', true],
    ['URL', true],
    ['URIS', true],
    ['URN', false],
    ['URI-X', false],
  ])('players may fetch the value of the HLS attribute %s: %s', (attribute, isUri) =>
    expect(isUriOfHls(attribute)).toBe(isUri),
  )
})

describe('roleOfElement', () => {
  test.each([
    ['base', 'BaseURL'],
    ...['Location', 'ContentSteering', 'PatchLocation', 'ImportedMPD', 'AlternativeMPD'].map(name => [
      'never',
      name,
    ]),
    ...['InsertPresentation', 'ReplacePresentation', 'OverlayEvent', 'Laurl', 'laurl', 'LA_URL'].map(name => [
      'never',
      name,
    ]),
    ...['Authzurl', 'Certurl', 'pro', 'FutureUrl', 'futureURI', 'xUrlTemplate'].map(name => ['never', name]),
    ...['MPD', 'Period', 'UTCTiming', 'EventStream', 'pssh', 'Event', 'Label', 'UrlX'].map(name => [
      'rest',
      name,
    ]),
    // Text only in the element whose content players show.
    ...['Title', 'Source', 'Copyright', 'Publisher'].map(name => ['rest', name]),
  ])('the role %s is that of the MPD element %s', (role = '', name = '') => {
    expect(roleOfElement(name, 'Period')).toBe(role)
    expect(roleOfElement(name, 'ProgramInformation')).toBe(
      role === 'rest' && !IN_DOCUMENT.has(name) ? 'text' : role,
    )
  })
  const IN_DOCUMENT = new Set(['MPD', 'Period', 'UTCTiming', 'EventStream', 'pssh', 'Event', 'Label'])
})

describe('roleOfAttribute', () => {
  test.each([
    ...['media', 'index', 'initialization', 'bitstreamSwitching', 'sourceURL', 'keyUriTemplate', 'url'].map(
      name => ['template', name],
    ),
    ...['uri', 'futureUrl', 'futureURI', 'urlTemplate', 'someuritemplate'].map(name => ['template', name]),
    ...['bandwidth', 'startNumber', 'endNumber', 'k', 't', 'd', 'r', 'n', 'tManifest', 'timescale'].map(
      name => ['number', name],
    ),
    ...['presentationTimeOffset', 'presentationDuration', 'eptDelta', 'pdDelta'].map(name => [
      'number',
      name,
    ]),
    ...['href', 'licenseUrl', 'keyLicenseUrlTemplate', 'reportingUrl', 'base'].map(name => ['never', name]),
    ...['nodeName', 'localName', 'tagName', 'nodeValue', 'childNodes', 'attributes'].map(name => [
      'never',
      name,
    ]),
    ...['BaseURL', 'Location', 'ContentSteering', 'PatchLocation', 'UTCTiming'].map(name => ['never', name]),
    ...['moreInformationURL', 'schemeIdUri', 'profiles', 'schemaLocation', 'noNamespaceSchemaLocation'].map(
      name => ['text', name],
    ),
    ...['value', 'id', 'duration', 'mimeType', 'urlX', 'Period'].map(name => ['rest', name]),
  ])('the role %s is that of the MPD attribute %s', (role = '', name = '') =>
    expect(roleOfAttribute(name, 'Period')).toBe(role),
  )

  test.each(['SegmentTemplate', 'SegmentList', 'SegmentBase'])(
    'the role number is that of the duration of a %s',
    element => expect(roleOfAttribute('duration', element)).toBe('number'),
  )
})

test.each([
  ['urn:mpeg:dash:event:callback:2015', true],
  ['URN:MPEG:DASH:EVENT:ALTERNATIVEMPD:replace:2025', true],
  ['urn:mpeg:dash:chaining:2016', true],
  ['urn:mpeg:dash:fallback:2016', true],
  ['urn:svta:advertising-wg:ad-id-signaling', true],
  ['urn:mpeg:dash:event:2012', false],
  ['urn:scte:scte35:2013:xml', false],
])('players act on the scheme %s: %s', (scheme, isNever) => expect(SCHEMES_NEVER.test(scheme)).toBe(isNever))

test.each([
  ['urn:mpeg:dash:utc:direct:2014', true],
  ['urn:mpeg:dash:utc:direct:2012', true],
  ['urn:mpeg:dash:utc:direct:2013', false],
  ['urn:mpeg:dash:utc:direct:20145', false],
  ['x-urn:mpeg:dash:utc:direct:2014', false],
  ['urn:mpeg:dash:utc:http-head:2014', false],
])('a clock of the scheme %s makes a player fetch nothing: %s', (scheme, isDirect) =>
  expect(CLOCK.test(scheme)).toBe(isDirect),
)

test.each([
  ...['EXT-X-KEY', 'URI', 'EXTINF', 'NAME', 'BaseURL', 'media', 'MPD', 'Period', 'AdaptationSet', 'id'],
  ...['Representation', 'ContentProtection', 'Event', 'Label', 'UTCTiming', 'EventStream', 'value', 'pssh'],
  ...['InbandEventStream', 'SupplementalProperty', 'EssentialProperty', 'SegmentTemplate', 'SegmentList'],
  ...['SegmentURL', 'SegmentBase', 'Initialization', 'RepresentationIndex', 'BitstreamSwitching'],
  ...['Title', 'Source', 'Copyright', 'EXT-X-DATERANGE', 'duration', 'schemeIdUri'],
])('the name %s may go on record, as a list has it', name => expect(knownName(name)).toBe(name))

test.each(['patient-007', 'ext-x-key', '@media', 'EXT-X-KEY URI', 'EXT-X-FUTURE', ''])(
  'the name %j may not go on record, as no list has it',
  name => expect(knownName(name)).toBe('other'),
)
