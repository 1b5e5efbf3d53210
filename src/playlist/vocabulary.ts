/**
 * What players do with a value in a playlist:
 *
 * - `part`: fetch it. It must name a part of the same recording.
 * - `playlist`: fetch it, and read further URLs from it. It must also have the ending of a playlist of the same kind, so
 *   that the gate reads it as one, too.
 * - `template`: fill in numbers and an id (ISO/IEC 23009-1 5.3.9.4.4), then fetch it.
 * - `base`: resolve other references against it.
 * - `number`: fill it, or a sum of it, into a template. It must be a number, as dash.js fills in any string.
 * - `never`: read URLs from it, or act on it, in a way that can't be checked here. It is refused, whatever its value.
 * - `text`: show or compare it. It is not checked.
 * - `rest`: nothing known. It is accepted unless a piece of it leads away.
 */
export type Role = 'part' | 'playlist' | 'template' | 'base' | 'number' | 'never' | 'text' | 'rest'

/** The known names, by role. All other names are `rest`. */
interface Vocabulary {
  readonly [role: string]: readonly string[]
}

/**
 * Tags and attributes of HLS: of RFC 8216 and its second edition, and those that single players add. `TAG ATTRIBUTE` is an
 * attribute of that tag, `* ATTRIBUTE` an attribute of any other tag, and `TAG` the whole value of a tag.
 */
const HLS = {
  playlist: [
    'EXT-X-STREAM-INF URI',
    'EXT-X-I-FRAME-STREAM-INF URI',
    // Added by Roku. Shaka Player reads it, too.
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
    // Inserts strings into URIs after the check, and may take them from the query of the playlist's own URL.
    'EXT-X-DEFINE',
    // Replaces the host of every URI, and keeps the path with its ticket.
    'EXT-X-CONTENT-STEERING',
    '* SERVER-URI',
    // A document that lists further URIs.
    '* X-ASSET-LIST',
    // Base64 with URLs that views are reported to; CSS.
    '* X-AD-CREATIVE-SIGNALING',
    '* X-BACKGROUND',
    // Options for a player.
    'EXTVLCOPT',
    'KODIPROP',
    'EXTHTTP',
    'WEBPROP',
  ],
  text: [
    // RFC 8216 4.3.2.1: the title. The duration before it is checked when the tag is parsed.
    'EXTINF',
    // 4.3.4.1
    ...['NAME', 'LANGUAGE', 'ASSOC-LANGUAGE', 'GROUP-ID', 'CHARACTERISTICS'].map(
      name => `EXT-X-MEDIA ${name}`,
    ),
    // 4.3.4.4
    ...['VALUE', 'LANGUAGE', 'DATA-ID'].map(name => `EXT-X-SESSION-DATA ${name}`),
    // Names of formats and classes, which may look like URLs. Players compare them, and never fetch them.
    'EXT-X-KEY KEYFORMAT',
    'EXT-X-SESSION-KEY KEYFORMAT',
    'EXT-X-DATERANGE CLASS',
    'EXT-X-DATERANGE SCHEME-ID-URI',
    '* SCHEME-ID-URI',
    'EXT-X-STREAM-INF ALLOWED-CPC',
  ],
} satisfies Vocabulary

/**
 * Elements and attributes of DASH: of ISO/IEC 23009-1, DASH-IF and DVB, and those that single players add. `ELEMENT` is the
 * content of an element. `@ATTRIBUTE` is an attribute of any element, as some players apply attributes of one element to
 * another. `ELEMENT @ATTRIBUTE` is an attribute that means something else on other elements. Namespaces don't count, as
 * some players ignore them.
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
    // Fonts (DVB).
    '@url',
    '@uri',
  ],
  number: [
    // `$Bandwidth$`, `$Number$` and `$SubNumber$`.
    ...['@bandwidth', '@startNumber', '@endNumber', '@k'],
    // `$Time$`: the timeline, and the offsets added to it. dash.js prefers a `tManifest` to a `t`.
    ...['@t', '@d', '@r', '@n', '@tManifest', '@timescale', '@presentationTimeOffset'],
    ...['@presentationDuration', '@eptDelta', '@pdDelta'],
    // The duration of a `Period` is not a number, but a string such as `PT1S`.
    ...['SegmentTemplate', 'SegmentList', 'SegmentBase'].map(element => `${element} @duration`),
  ],
  never: [
    // Another URL of this MPD. video.js resolves it against the URL of the app's page, and some players resolve all other
    // references against it: whatever its value, it leads players to different URLs.
    'Location',
    // Documents that name further URLs. The first replaces every host, and keeps the path with its ticket.
    ...['ContentSteering', 'PatchLocation', 'ImportedMPD', '@href'],
    // A presentation or a picture that replaces this one.
    ...['AlternativeMPD', 'InsertPresentation', 'ReplacePresentation', 'OverlayEvent'],
    // Licence servers. The header of PlayReady names one, too.
    ...['Laurl', 'laurl', 'LA_URL', 'Authzurl', 'Certurl', 'pro', '@licenseUrl', '@keyLicenseUrlTemplate'],
    // URLs that views are reported to.
    '@reportingUrl',
    // XML Base: changes the base URL for players that support it.
    '@base',
    // dash.js stores attributes as properties of its own nodes, so these would make it take an element for another.
    ...['@nodeName', '@localName', '@tagName', '@nodeValue', '@childNodes', '@attributes'],
    // Some players take these attributes for the elements of the same name.
    ...['@BaseURL', '@Location', '@ContentSteering', '@PatchLocation', '@UTCTiming'],
  ],
  text: [
    // Shown: ISO/IEC 23009-1 5.3.4.
    ...['Title', 'Source', 'Copyright', '@moreInformationURL'],
    // Compared.
    ...['@schemeIdUri', '@profiles', '@schemaLocation', '@noNamespaceSchemaLocation'],
  ],
  rest: [
    // Decided by their scheme, or by their bytes.
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
/** The roles of HLS attributes, by tag: a lookup creates no new string. */
const HLS_ATTRIBUTES = new Map<string, Map<string, Role>>()
for (const [name, role] of HLS_ROLES) {
  const [tag = '', attribute = ''] = name.split(' ')
  const attributes = HLS_ATTRIBUTES.get(tag) ?? new Map<string, Role>()
  HLS_ATTRIBUTES.set(tag, attributes.set(attribute, role))
}

/** Unknown names with these endings are taken for references. */
const URI_OF_HLS = /UR[IL]S?$/
/** ExoPlayer finds these attributes at the end of a longer name, too. */
const ASSET = /X-ASSET-(?:URI|LIST)$/
const URI_OF_DASH = /ur[il](?:template)?$/i
/** Tags that some players take for a tag whose URI is a playlist: ExoPlayer goes by how a tag begins. */
const PLAYLIST_TAG = /^EXT-X-(?:MEDIA|RENDITION-REPORT|STREAM-INF|I-FRAME-STREAM-INF)|STREAM-INF$/

/**
 * Returns what players do with an attribute of an HLS tag, or with the tag's whole value.
 *
 * @param tag in upper case
 * @param attribute in upper case
 */
export function roleInHls(tag: string, attribute?: string): Role {
  if (attribute === undefined) return HLS_ROLES.get(tag) ?? 'rest'
  const name = ASSET.exec(attribute)?.[0] ?? attribute
  const role = HLS_ATTRIBUTES.get(tag)?.get(name) ?? HLS_ATTRIBUTES.get('*')?.get(name)
  const isUri = role === 'part' || (role === undefined && URI_OF_HLS.test(attribute))
  if (isUri) return PLAYLIST_TAG.test(tag) ? 'playlist' : 'part'
  return role ?? 'rest'
}

/** Checks if a player may fetch the value of an HLS attribute. */
export function isUriOfHls(attribute: string): boolean {
  return URI_OF_HLS.test(attribute)
}

/**
 * Returns what players do with the content of an MPD's element.
 *
 * @param element without its prefix
 * @param parent the element around it, without its prefix
 */
export function roleOfElement(element: string, parent: string): Role {
  const role = DASH_ROLES.get(element)
  if (role !== undefined && role !== 'text') return role
  if (role === undefined && URI_OF_DASH.test(element)) return 'never'
  // Players show what describes the programme, including what other namespaces add (ISO/IEC 23009-1 5.3.4).
  return parent === 'ProgramInformation' ? 'text' : 'rest'
}

/**
 * Returns what players do with an attribute in an MPD.
 *
 * @param attribute without its prefix
 * @param element the element that has it, without its prefix
 */
export function roleOfAttribute(attribute: string, element: string): Role {
  const role = DASH_ROLES.get(`@${attribute}`) ?? DASH_ROLES.get(`${element} @${attribute}`)
  return role ?? (URI_OF_DASH.test(attribute) ? 'template' : 'rest')
}

/** Schemes whose events and descriptors make a player fetch what they name, or act on it. */
export const SCHEMES_NEVER: RegExp =
  /urn:mpeg:dash:(?:event:(?:callback|alternativeMPD)|chaining|fallback)|urn:svta:advertising-wg/i
/** The only scheme of `UTCTiming` that makes a player fetch nothing. */
export const CLOCK: RegExp = /^urn:mpeg:dash:utc:direct:20(?:12|14)$/

/** The names that may go on record: those on the lists here. */
const KNOWN: ReadonlySet<string> = new Set(
  [...HLS_ROLES.keys(), ...DASH_ROLES.keys()].flatMap(name => name.replace('@', '').split(' ')),
)

/** Returns a name that may go on record: a known name, or `other` for any other that a stored playlist contains. */
export function knownName(name: string): string {
  return KNOWN.has(name) ? name : 'other'
}
