/**
 * What players do with a value of a playlist:
 *
 * - `part`: fetch it. It must name a part of the same recording.
 * - `playlist`: fetch it, and read further URLs out of it. It must also have the ending of a playlist of the same kind,
 *   so that the gate reads it as that, too.
 * - `template`: fill in numbers and an id (ISO/IEC 23009-1 5.3.9.4.4), then fetch it.
 * - `base`: resolve other references against it.
 * - `number`: put it, or a sum of it, into a template. It must be one: dash.js puts in whatever stands there.
 * - `never`: read from it, or obey it, in a way that can't be checked here. It is refused whatever it says.
 * - `text`: show or compare it. It is not looked at.
 * - `rest`: nothing that is known. It passes unless a piece of it leads away.
 */
export type Role = 'part' | 'playlist' | 'template' | 'base' | 'number' | 'never' | 'text' | 'rest'

/** The names that are known, by what players do with them. Everything else is `rest`. */
interface Vocabulary {
  readonly [role: string]: readonly string[]
}

/**
 * Tags and attributes of HLS: RFC 8216 with its second edition, and what single players add. `TAG ATTRIBUTE` is an
 * attribute of that tag, `* ATTRIBUTE` one of any other tag, `TAG` all of a tag's value.
 */
const HLS = {
  playlist: [
    'EXT-X-STREAM-INF URI',
    'EXT-X-I-FRAME-STREAM-INF URI',
    // Roku's, which Shaka Player reads, too.
    'EXT-X-IMAGE-STREAM-INF URI',
    'EXT-X-MEDIA URI',
    'EXT-X-RENDITION-REPORT URI',
    '* X-ASSET-URI',
  ],
  part: [
    '* URI',
    'EXT-X-MAP URI',
    'EXT-X-KEY URI',
    'EXT-X-SESSION-KEY URI',
    'EXT-X-PART URI',
    'EXT-X-PRELOAD-HINT URI',
    'EXT-X-SESSION-DATA URI',
    'EXT-X-PREFETCH',
    'EXT-X-TWITCH-PREFETCH',
  ],
  never: [
    // Puts strings into URIs after they were checked, and may take them from the query of the playlist's own URL.
    'EXT-X-DEFINE',
    // Replaces the host of every URI and keeps its path, ticket and all.
    'EXT-X-CONTENT-STEERING',
    '* SERVER-URI',
    // A document of further URIs.
    '* X-ASSET-LIST',
    // Base64 with URLs to report to; a piece of CSS.
    '* X-AD-CREATIVE-SIGNALING',
    '* X-BACKGROUND',
    // Options of a player.
    'EXTVLCOPT',
    'KODIPROP',
    'EXTHTTP',
    'WEBPROP',
  ],
  text: [
    // RFC 8216 4.3.2.1: the title. What stands before it is checked where it is parsed.
    'EXTINF',
    // 4.3.4.1
    ...['NAME', 'LANGUAGE', 'ASSOC-LANGUAGE', 'GROUP-ID', 'CHARACTERISTICS'].map(
      name => `EXT-X-MEDIA ${name}`,
    ),
    // 4.3.4.4
    ...['VALUE', 'LANGUAGE', 'DATA-ID'].map(name => `EXT-X-SESSION-DATA ${name}`),
    // Names of formats and classes look like URLs. They are compared, never fetched.
    'EXT-X-KEY KEYFORMAT',
    'EXT-X-SESSION-KEY KEYFORMAT',
    'EXT-X-DATERANGE CLASS',
    'EXT-X-DATERANGE SCHEME-ID-URI',
    '* SCHEME-ID-URI',
    'EXT-X-STREAM-INF ALLOWED-CPC',
  ],
} satisfies Vocabulary

/**
 * Elements and attributes of DASH: ISO/IEC 23009-1, DASH-IF, DVB, and what single players add. `ELEMENT` is an element's
 * content, `@ATTRIBUTE` an attribute of any element: some players inherit attributes, and take what one element says for
 * another. `ELEMENT @ATTRIBUTE` is one that is something else on other elements. Namespaces don't count, as players differ
 * in whether they look at them.
 */
const DASH = {
  base: ['BaseURL'],
  template: [
    '@media',
    '@index',
    '@initialization',
    '@bitstreamSwitching',
    '@sourceURL',
    '@keyUriTemplate',
    // Fonts of DVB.
    '@url',
    '@uri',
  ],
  number: [
    // `$Bandwidth$`, `$Number$` and `$SubNumber$`.
    ...['@bandwidth', '@startNumber', '@endNumber', '@k'],
    // `$Time$`: the timeline, and what is added to it. dash.js prefers a `tManifest` to a `t`.
    ...['@t', '@d', '@r', '@n', '@tManifest', '@timescale', '@presentationTimeOffset'],
    ...['@presentationDuration', '@eptDelta', '@pdDelta'],
    // That of a Period is written as PT1S.
    ...['SegmentTemplate', 'SegmentList', 'SegmentBase'].map(element => `${element} @duration`),
  ],
  never: [
    // Another place of this MPD. video.js resolves it against the page of its app, and players differ in whether they resolve
    // all else against it: no way of writing it leads to the same place for all.
    'Location',
    // Documents that name further URLs; the first replaces every host and keeps the path, ticket and all.
    ...['ContentSteering', 'PatchLocation', 'ImportedMPD', '@href'],
    // Another presentation, or a picture, in the place of this one.
    ...['AlternativeMPD', 'InsertPresentation', 'ReplacePresentation', 'OverlayEvent'],
    // Licence servers. A PlayReady header names one, too.
    ...['Laurl', 'laurl', 'LA_URL', 'Authzurl', 'Certurl', 'pro', '@licenseUrl', '@keyLicenseUrlTemplate'],
    // Where to report what was watched.
    '@reportingUrl',
    // Changes the base by the rules of XML, which some players follow.
    '@base',
    // dash.js keeps attributes among the properties of its own nodes: one of these makes an element pass for another.
    ...['@nodeName', '@localName', '@tagName', '@nodeValue', '@childNodes', '@attributes'],
    // An attribute that some players take for the element of that name.
    ...['@BaseURL', '@Location', '@ContentSteering', '@PatchLocation', '@UTCTiming'],
  ],
  text: [
    // Shown: ISO/IEC 23009-1 5.3.4.
    ...['Title', 'Source', 'Copyright', '@moreInformationURL'],
    // Compared.
    ...['@schemeIdUri', '@profiles', '@schemaLocation', '@noNamespaceSchemaLocation'],
  ],
  rest: [
    // Whose scheme, or whose bytes, decide.
    ...[
      'UTCTiming',
      'EventStream',
      'InbandEventStream',
      'SupplementalProperty',
      'EssentialProperty',
      'pssh',
      '@value',
    ],
    ...['MPD', 'Period', 'AdaptationSet', 'Representation', 'ContentProtection', 'Event', 'Label', '@id'],
    ...[
      'SegmentTemplate',
      'SegmentList',
      'SegmentURL',
      'SegmentBase',
      'Initialization',
      'RepresentationIndex',
    ],
    'BitstreamSwitching',
  ],
} satisfies Vocabulary

const rolesIn = (vocabulary: Vocabulary): ReadonlyMap<string, Role> =>
  new Map(Object.entries(vocabulary).flatMap(([role, names]) => names.map(name => [name, role as Role])))
const HLS_ROLES = rolesIn(HLS)
const DASH_ROLES = rolesIn(DASH)
/** Those of HLS by tag, for attributes to be looked up without a new string for each. */
const HLS_ATTRIBUTES = new Map<string, Map<string, Role>>()
for (const [name, role] of HLS_ROLES) {
  const [tag = '', attribute = ''] = name.split(' ')
  const attributes = HLS_ATTRIBUTES.get(tag) ?? new Map<string, Role>()
  HLS_ATTRIBUTES.set(tag, attributes.set(attribute, role))
}

/** Names that end so are taken for references, also where they are not known. */
const URI_OF_HLS = /UR[IL]S?$/
const URI_OF_DASH = /ur[il](?:template)?$/i
/** Tags that some players take for one of those whose URI is a playlist: ExoPlayer goes by how a tag begins. */
const PLAYLIST_TAG = /^EXT-X-(?:MEDIA|RENDITION-REPORT|STREAM-INF|I-FRAME-STREAM-INF)|STREAM-INF$/

/**
 * What players do with an attribute of a tag, or with all of its value.
 *
 * @param tag in upper case
 * @param attribute in upper case
 */
export function roleInHls(tag: string, attribute?: string): Role {
  if (attribute === undefined) return HLS_ROLES.get(tag) ?? 'rest'
  const role = HLS_ATTRIBUTES.get(tag)?.get(attribute) ?? HLS_ATTRIBUTES.get('*')?.get(attribute)
  const isUri = role === 'part' || (role === undefined && URI_OF_HLS.test(attribute))
  if (isUri) return PLAYLIST_TAG.test(tag) ? 'playlist' : 'part'
  return role ?? 'rest'
}

/** Whether an attribute of HLS is one that a player may fetch. */
export function isUriOfHls(attribute: string): boolean {
  return URI_OF_HLS.test(attribute)
}

/**
 * What players do with the content of an element.
 *
 * @param element without its prefix
 * @param parent the element around it
 */
export function roleOfElement(element: string, parent: string): Role {
  const role = DASH_ROLES.get(element)
  if (role !== undefined && role !== 'text') return role
  if (role === undefined && URI_OF_DASH.test(element)) return 'never'
  // Whatever describes the programme is shown, also what other namespaces add to it (ISO/IEC 23009-1).
  return parent === 'ProgramInformation' ? 'text' : 'rest'
}

/**
 * What players do with an attribute of DASH.
 *
 * @param attribute without its prefix
 * @param element that it is of, without its prefix
 */
export function roleOfAttribute(attribute: string, element: string): Role {
  const role = DASH_ROLES.get(`@${attribute}`) ?? DASH_ROLES.get(`${element} @${attribute}`)
  return role ?? (URI_OF_DASH.test(attribute) ? 'template' : 'rest')
}

/** Schemes whose events and descriptors make a player fetch what they say, or obey it. */
export const SCHEMES_NEVER: RegExp =
  /urn:mpeg:dash:(?:event:(?:callback|alternativeMPD)|chaining|fallback)|urn:svta:advertising-wg/i
/** The one kind of clock that fetches nothing. */
export const CLOCK: RegExp = /^urn:mpeg:dash:utc:direct:20(?:12|14)$/

/** The names that a record may hold: those that stand on a list here. */
const KNOWN: ReadonlySet<string> = new Set(
  [...HLS_ROLES.keys(), ...DASH_ROLES.keys()].flatMap(name => name.replace('@', '').split(' ')),
)

/** A name as it may stand in a record: whatever else a stored file says there is `other`. */
export function knownName(name: string): string {
  return KNOWN.has(name) ? name : 'other'
}
