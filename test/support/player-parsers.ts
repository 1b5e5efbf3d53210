import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { M3U8Parser, type PlaylistLevelType } from 'hls.js'
import { shakaXml, type XmlNode } from './shaka-xml.ts'

const require = createRequire(import.meta.url)

/** What a player would ask for, as absolute URLs. */
export interface Seen {
  readonly urls: readonly string[]
  /** Those of them that it would read further URLs out of. */
  readonly playlists: readonly string[]
}

type Text = string | null | undefined
const resolved = (texts: readonly Text[], base: string): string[] =>
  texts.flatMap(text => text || []).map(text => URL.parse(text, base)?.href ?? `fails: ${text}`)
const seen = (base: string, playlists: readonly Text[], others: readonly Text[]): Seen => {
  const lists = resolved(playlists, base)
  return { urls: [...lists, ...resolved(others, base)], playlists: lists }
}
const NOTHING: Seen = { urls: [], playlists: [] }
/** The page that a player is on: a browser resolves against it what the player takes for an absolute URL. */
const PAGE = 'https://app.example/'
type See = (text: string, base: string) => Seen

type HlsJs = Pick<
  typeof M3U8Parser,
  'parseMasterPlaylist' | 'parseMasterPlaylistMedia' | 'parseLevelPlaylist'
>

/** The parser of an older hls.js, out of its bundle: not all versions export it. */
function olderHlsJs(name: string): HlsJs {
  const bundle = readFileSync(require.resolve(name), 'utf8')
  const end = bundle.lastIndexOf('return Hls;')
  const module = {} as { exports: HlsJs }
  const context = { module, exports: module, URL, navigator: {}, performance }
  runInNewContext(
    `self = globalThis; ${bundle.slice(0, end)} return M3U8Parser; ${bundle.slice(end)}`,
    context,
  )
  return module.exports
}

/** hls.js, which parses a text as a master and as a media playlist, whatever it is. */
const seenByHlsJs =
  (parser: HlsJs) =>
  (text: string, base: string): Seen => {
    const master = parser.parseMasterPlaylist(text, base)
    const medias = parser.parseMasterPlaylistMedia(text, base, master)
    const level = parser.parseLevelPlaylist(text, base, 0, 'main' as PlaylistLevelType, 0, null)
    const keys = (of: Partial<Record<string, { uri: string }>> | undefined) =>
      Object.values(of ?? {}).map(key => key?.uri)
    const ranges = Object.values(level.dateRanges)
    // Older versions have no `iframeVariants`.
    const variants = [...master.levels, ...(master.iframeVariants ?? [])]
    const listed = [...variants, ...Object.values(medias).flatMap(list => list ?? [])].map(one => one.url)
    const fetched = [
      ...(master.sessionKeys ?? []).map(key => key.uri),
      ...level.fragments.flatMap(one => [one.url, one.initSegment?.url, ...keys(one.levelkeys)]),
      ...(level.partList ?? []).map(one => one.url),
    ]
    // hls.js has resolved these, but leaves a URL alone that begins as one with a scheme does.
    return seen(
      base,
      [
        ...resolved(listed, PAGE),
        ...(level.renditionReports ?? []).map(report => report.URI),
        ...ranges.flatMap(range => [range?.attr['X-ASSET-URI'], range?.attr['X-ASSET-LIST']]),
        master.contentSteering?.uri,
      ],
      [
        ...resolved(fetched, PAGE),
        ...Object.values(master.sessionData ?? {}).map(data => data.URI as Text),
        level.preloadHint?.URI,
      ],
    )
  }

interface VideoJsItem {
  readonly uri?: string
  readonly map?: VideoJsItem
  readonly key?: VideoJsItem
  readonly parts?: readonly VideoJsItem[]
  readonly preloadHints?: readonly VideoJsItem[]
}
interface VideoJsManifest {
  readonly playlists?: readonly VideoJsItem[]
  readonly iFramePlaylists?: readonly VideoJsItem[]
  readonly mediaGroups?: Record<string, Record<string, Record<string, VideoJsItem>>>
  readonly segments?: readonly VideoJsItem[]
  readonly preloadSegment?: VideoJsItem
  readonly renditionReports?: readonly VideoJsItem[]
  readonly contentSteering?: { readonly serverUri?: string }
}

interface VideoJsHls {
  readonly Parser: new (options: {
    uri: string
  }) => { push(text: string): void; end(): void; manifest: VideoJsManifest }
}

/** video.js, which throws where it doesn't understand. */
const seenByVideoJs =
  ({ Parser }: VideoJsHls) =>
  (text: string, base: string): Seen => {
    const parser = new Parser({ uri: base })
    try {
      parser.push(text)
      parser.end()
    } catch {
      return NOTHING
    }
    const { manifest } = parser
    const groups = Object.values(manifest.mediaGroups ?? {}).flatMap(type =>
      Object.values(type).flatMap(group => Object.values(group)),
    )
    const segments = [...(manifest.segments ?? []), manifest.preloadSegment ?? {}]
    const lists = [manifest.playlists, manifest.iFramePlaylists, groups, manifest.renditionReports].flatMap(
      list => (list ?? []).map(one => one.uri),
    )
    return seen(
      base,
      [...lists, manifest.contentSteering?.serverUri],
      segments.flatMap(one => [
        one.uri,
        one.map?.uri,
        one.key?.uri,
        ...[...(one.parts ?? []), ...(one.preloadHints ?? [])].map(part => part.uri),
      ]),
    )
  }

interface ShakaTag {
  readonly name: string
  readonly value: string | null
  readonly attributes: readonly { readonly name: string; readonly value: string }[]
}
interface ShakaHls {
  readonly ManifestTextParser: new () => {
    parsePlaylist(data: Uint8Array): {
      readonly tags: readonly ShakaTag[]
      readonly segments?: readonly {
        readonly verbatimSegmentUri?: string
        /** In older versions. */
        readonly absoluteUri?: string
        readonly tags: readonly ShakaTag[]
        readonly partialSegments: readonly ShakaTag[]
      }[]
    }
  }
}

/** shaka-player's own reader of HLS, out of its source. */
function shakaHls(name: string): ShakaHls {
  const lib = join(dirname(require.resolve(`${name}/package.json`)), 'lib')
  const nothing = () => undefined
  class ShakaError extends Error {}
  Object.assign(ShakaError, { Severity: {}, Category: {}, Code: {} })
  const StringUtils = { fromUTF8: (data: Uint8Array) => new TextDecoder().decode(data) }
  // Older versions resolve the URI of a segment as they read it.
  const ManifestParserUtils = { resolveUris: (_: unknown, uris: unknown) => uris }
  const shaka = {
    hls: {},
    util: { Error: ShakaError, StringUtils, ManifestParserUtils },
    log: { error: nothing },
  }
  const goog = { provide: nothing, require: nothing, requireType: nothing, asserts: { assert: nothing } }
  const files = ['hls/hls_classes.js', 'hls/hls_utils.js', 'hls/manifest_text_parser.js']
  for (const file of ['util/text_parser.js', ...files])
    runInNewContext(readFileSync(join(lib, file), 'utf8'), { shaka, goog, Map, Set })
  return shaka.hls as ShakaHls
}
const SHAKA_PLAYLISTS =
  /^EXT-X-(?:STREAM-INF|MEDIA|I-FRAME-STREAM-INF|IMAGE-STREAM-INF|DATERANGE|CONTENT-STEERING)$/
const SHAKA_OTHERS = /^EXT-X-(?:KEY|SESSION-KEY|MAP|PART|PRELOAD-HINT|SESSION-DATA)$/

/** shaka-player on HLS: of each tag the attributes that it fetches. */
const seenByShakaHls =
  ({ ManifestTextParser }: ShakaHls) =>
  (text: string, base: string): Seen => {
    try {
      const playlist = new ManifestTextParser().parsePlaylist(new TextEncoder().encode(text))
      const segments = playlist.segments ?? []
      const tags = [...playlist.tags, ...segments.flatMap(one => [...one.tags, ...one.partialSegments])]
      const uris = (of: RegExp) =>
        tags
          .filter(tag => of.test(tag.name))
          .flatMap(tag =>
            tag.attributes.filter(({ name }) =>
              (tag.name === 'EXT-X-DATERANGE' ? /^X-ASSET-(?:URI|LIST)$/ : /^(?:SERVER-)?URI$/).test(name),
            ),
          )
          .map(({ value }) => value)
      return seen(base, uris(SHAKA_PLAYLISTS), [
        ...uris(SHAKA_OTHERS),
        ...segments.map(one => one.verbatimSegmentUri ?? one.absoluteUri),
      ])
    } catch {
      return NOTHING
    }
  }

/**
 * ExoPlayer, in our own words: lines without white space around them, tags by how they begin, and an attribute wherever
 * its name, an equals sign and a quote stand.
 */
function seenByExoPlayer(text: string, base: string): Seen {
  const lines = text.split(/\r?\n/).map(line => line.trim())
  const uriOf = (line: string) => /URI="(.+?)"/.exec(line)?.[1]
  const isMaster = lines.some(line => line.startsWith('#EXT-X-STREAM-INF'))
  const plain = lines.filter(line => line !== '' && !line.startsWith('#'))
  const tagged = (pattern: RegExp) => lines.filter(line => pattern.test(line)).map(uriOf)
  const lists = tagged(/^#EXT-X-(?:MEDIA|I-FRAME-STREAM-INF|RENDITION-REPORT)/)
  const ranges = lines.filter(line => line.startsWith('#EXT-X-DATERANGE'))
  const assets = ranges.flatMap(line => [
    /X-ASSET-URI="(.+?)"/.exec(line)?.[1],
    /X-ASSET-LIST="(.+?)"/.exec(line)?.[1],
  ])
  const others = tagged(/^#EXT-X-(?:KEY|MAP|PART|SESSION-KEY|PRELOAD)/)
  return seen(base, [...lists, ...assets, ...(isMaster ? plain : [])], [...others, ...plain])
}

/**
 * ffmpeg, in our own words: values end at white space or a comma, and a backslash escapes a quote. What it doesn't find to
 * be HLS is a plain M3U to mpv and VLC, which open each entry as whatever it is.
 */
function seenByFfmpeg(text: string, base: string): Seen {
  const lists: Text[] = []
  const others: Text[] = []
  const isPlain = !/#EXT-X-(?:STREAM-INF|TARGETDURATION|MEDIA-SEQUENCE):/.test(text)
  let isVariant = false
  for (const raw of text.split('\n')) {
    const line = raw.trimEnd()
    const [, tag, value] = /^#(EXT-X-[A-Z-]+):(.*)$/.exec(line) ?? []
    if (tag === 'EXT-X-STREAM-INF') isVariant = true
    else if (tag !== undefined) {
      const uri = keyValues(value ?? '').get('URI')
      if (tag === 'EXT-X-MEDIA') lists.push(uri)
      else if (/^EXT-X-(?:KEY|MAP)$/.test(tag)) others.push(uri)
    } else if (line !== '' && !line.startsWith('#')) {
      if (isVariant || isPlain) lists.push(line)
      else others.push(line)
      isVariant = false
    }
  }
  return seen(base, lists, others)
}

function keyValues(list: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const one = /[\s,]*([^=]*)=(?:"((?:\\.|[^"\\])*)"?|([^\s,]*))/y
  for (let match = one.exec(list); match !== null && match[0] !== ''; match = one.exec(list))
    found.set(match[1] ?? '', (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'))
  return found
}

/** The players of HLS, by name. Those with a version are what many sites still have. */
export const HLS_PLAYERS: Readonly<Record<string, See>> = {
  'hls.js': seenByHlsJs(M3U8Parser),
  'hls.js 1.4': seenByHlsJs(olderHlsJs('hls.js-1.4')),
  'hls.js 1.6': seenByHlsJs(olderHlsJs('hls.js-1.6')),
  'video.js': seenByVideoJs(require('m3u8-parser') as VideoJsHls),
  'video.js 7': seenByVideoJs(require('m3u8-parser-4') as VideoJsHls),
  'shaka-player': seenByShakaHls(shakaHls('shaka-player')),
  'shaka-player 4': seenByShakaHls(shakaHls('shaka-player-4')),
  ExoPlayer: seenByExoPlayer,
  ffmpeg: seenByFfmpeg,
}

/** A node of an MPD as a walk needs it, whichever reader it comes from. */
interface Node {
  readonly name: string
  readonly text: string | null
  readonly attributes: Readonly<Record<string, unknown>>
  readonly children: readonly Node[]
}

/** The values of attributes of these names, whatever their prefixes: ffmpeg doesn't look at those. */
const valuesOf = (nodes: readonly Node[], names: RegExp): readonly (string | number)[] =>
  nodes.flatMap(node => [
    ...Object.entries(node.attributes).flatMap(([name, value]) =>
      names.test(name) && (typeof value === 'string' || typeof value === 'number') ? [value] : [],
    ),
    ...valuesOf(
      node.children.filter(child => /^(?:Segment|S$)/.test(child.name)),
      names,
    ),
  ])

/**
 * What dash.js makes of a template, with every value that some player could put into it: of the Representation, and of
 * the segments that it has or inherits.
 */
function filled(template: string, representation: Node, segments: readonly Node[]): readonly string[] {
  if (!template.includes('$')) return [template]
  const ids = valuesOf([representation], /^(?:[^:]*:)?id$/)
  const rates = valuesOf([representation, ...segments], /^(?:[^:]*:)?bandwidth$/)
  const numbers = valuesOf(segments, /^(?:[^:]*:)?(?:startNumber|endNumber|[tdrkn]|tManifest|eptDelta)$/)
  return [...ids, undefined].flatMap(id =>
    [...rates, undefined].flatMap(rate =>
      [...numbers, 7].map(number =>
        dashJs.processUriTemplate(template, id?.toString(), number, number, rate, number),
      ),
    ),
  )
}

const resolveAll = (bases: readonly string[], texts: readonly string[]) =>
  texts.length === 0
    ? bases
    : bases.flatMap(from =>
        resolved(
          texts.map(text => text || '.'),
          from,
        ),
      )

/** Every URL that a player would make of an MPD which inherits bases and templates as shaka-player does. */
function walked(root: Node, base: string): Seen {
  const textsOf = (node: Node, name: string) =>
    node.children.filter(child => child.name === name).map(child => child.text ?? '')
  const documents = resolveAll([base], textsOf(root, 'Location'))
  const urls: string[] = [...documents]
  const playlists: string[] = [...documents]
  const walk = (node: Node, around: readonly string[], inherited: readonly Node[]) => {
    const bases = resolveAll(around, textsOf(node, 'BaseURL'))
    urls.push(...bases)
    const all = [...inherited, ...node.children.filter(child => child.name.startsWith('Segment'))]
    const urlsOf = (one: Node): string[] => [
      ...['media', 'initialization', 'index', 'sourceURL', 'keyUriTemplate', 'dvb:url'].flatMap(
        name => (one.attributes[name] as string | undefined) ?? [],
      ),
      ...one.children.flatMap(urlsOf),
    ]
    for (const url of [...all, node].flatMap(urlsOf)) urls.push(...resolveAll(bases, filled(url, node, all)))
    const also = node.children.flatMap(child => [
      ...(/^(?:ContentSteering|PatchLocation|ImportedMPD)$/.test(child.name) ? [child.text ?? ''] : []),
      ...(child.attributes.schemeIdUri === 'urn:mpeg:dash:chaining:2016'
        ? [String(child.attributes.value)]
        : []),
      ...(typeof child.attributes['xlink:href'] === 'string' ? [child.attributes['xlink:href']] : []),
      ...child.children.flatMap(one =>
        /Presentation$|^AlternativeMPD|^OverlayEvent/.test(one.name)
          ? [String(one.attributes.uri ?? one.attributes.url)]
          : [],
      ),
    ])
    playlists.push(...resolved(also, base))
    const clocks = node.children.filter(
      child => child.name === 'UTCTiming' && !/:direct:/.test(String(child.attributes.schemeIdUri)),
    )
    urls.push(...clocks.flatMap(child => resolved(String(child.attributes.value).split(/\s+/), base)))
    for (const child of node.children)
      if (/^(?:Period|AdaptationSet|Representation)$/.test(child.name)) walk(child, bases, all)
  }
  walk(root, documents, [])
  return { urls: [...urls, ...playlists], playlists }
}

const txml = shakaXml()

/** shaka-player: its own reader of XML, and the way that it inherits. */
export function seenByShakaDash(text: string, base: string): Seen {
  let root: XmlNode | null
  try {
    root = txml.parseXmlString(text, 'MPD')
  } catch {
    return NOTHING
  }
  const nodeOf = (node: XmlNode): Node => ({
    name: node.tagName,
    text: txml.getContents(node),
    attributes: node.attributes,
    children: node.children.filter(child => typeof child !== 'string').map(nodeOf),
  })
  return root === null ? NOTHING : walked(nodeOf(root), base)
}

interface DashJsNode {
  readonly tagName: string
  readonly __text?: string
  readonly __children?: readonly (DashJsNode & { readonly nodeName: string })[]
}
interface DashJsModel {
  getLocation(mpd: DashJsNode): readonly { readonly url: string }[]
  getBaseURLsFromElement(node: DashJsNode): readonly { readonly url: string }[]
}
type DashJsModule<Made> = {
  readonly default: (context: object) => { create(config: object): Made; getInstance(): Made }
}
type Value = string | number | undefined
interface DashJsTemplates {
  processUriTemplate(
    template: string,
    id: string | undefined,
    number: Value,
    subNumber: Value,
    bandwidth: Value,
    time: Value,
  ): string
}

/** The modules of dash.js, out of its bundle: it exports the whole player, which takes a browser. */
const dashJs = (() => {
  const bundle = readFileSync(
    require.resolve('dashjs').replace(/dist\/.*$/, 'dist/modern/esm/dash.all.debug.js'),
    'utf8',
  )
  const runtime = '/******/ }();'
  const end = bundle.indexOf(runtime, bundle.indexOf('/* webpack/runtime/make namespace object */'))
  const context = { ...globalThis, window: globalThis, performance, URL, console }
  const load = runInNewContext(
    `(() => {${bundle.slice(0, end + runtime.length)}\nreturn __webpack_require__})()`,
    {
      ...context,
    },
  ) as <Module>(name: string) => Module
  const nothing = () => undefined
  const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing }
  const parser = load<DashJsModule<{ parse(text: string): DashJsNode }>>('./src/dash/parser/DashParser.js')
  const model = load<DashJsModule<DashJsModel>>('./src/dash/models/DashManifestModel.js')
  return {
    parse: parser.default({}).create({ debug: { getLogger: () => logger } }).parse,
    model: model.default({}).getInstance(),
    processUriTemplate: load<DashJsTemplates>('./src/dash/utils/SegmentsUtils.js').processUriTemplate,
  }
})()

/** dash.js: its own reader, the names that it gives to nodes, and what it takes for bases and locations. */
export function seenByDashJs(text: string, base: string): Seen {
  try {
    const root = dashJs.parse(text)
    const nodeOf = (node: DashJsNode & { readonly nodeName?: string }): Node => ({
      name: node.nodeName ?? node.tagName,
      text: node.__text ?? null,
      attributes: node as unknown as Record<string, unknown>,
      children: (node.__children ?? []).filter(child => !child.nodeName.startsWith('#')).map(nodeOf),
    })
    const { urls, playlists } = walked(nodeOf(root), base)
    const locations = resolved(
      dashJs.model.getLocation(root).map(({ url }) => url),
      base,
    )
    const bases = resolved(
      dashJs.model.getBaseURLsFromElement(root).map(({ url }) => url),
      base,
    )
    return { urls: [...urls, ...locations, ...bases], playlists: [...playlists, ...locations] }
  } catch {
    return NOTHING
  }
}

interface MpdItem {
  readonly resolvedUri?: string
  readonly map?: MpdItem
  readonly segments?: readonly MpdItem[]
  readonly sidx?: MpdItem
  readonly playlists?: readonly MpdItem[]
}
interface VideoJsMpd {
  readonly playlists?: readonly MpdItem[]
  readonly mediaGroups?: Record<string, Record<string, Record<string, MpdItem>>>
  readonly locations?: readonly string[]
  readonly contentSteering?: { readonly serverURL?: string }
}

interface VideoJsDash {
  parse(text: string, options: { manifestUri: string }): VideoJsMpd
  parseUTCTiming(text: string): { readonly method?: string; readonly value?: string } | null
}

/** video.js on DASH. It throws at what it doesn't understand. */
const seenByVideoJsDash =
  (parser: VideoJsDash) =>
  (text: string, base: string): Seen => {
    try {
      const manifest = parser.parse(text, { manifestUri: base })
      const groups = Object.values(manifest.mediaGroups ?? {}).flatMap(type =>
        Object.values(type).flatMap(group => Object.values(group).flatMap(one => one.playlists ?? [])),
      )
      const lists = [...(manifest.playlists ?? []), ...groups]
      const clock = parser.parseUTCTiming(text)
      return seen(
        base,
        [...(manifest.locations ?? []), manifest.contentSteering?.serverURL],
        [
          ...lists.flatMap(one => [
            one.sidx?.resolvedUri,
            ...(one.segments ?? []).flatMap(segment => [segment.resolvedUri, segment.map?.resolvedUri]),
          ]),
          clock?.method === 'DIRECT' ? undefined : clock?.value,
        ],
      )
    } catch {
      return NOTHING
    }
  }

/** The players of DASH, by name. */
export const DASH_PLAYERS: Readonly<Record<string, See>> = {
  'shaka-player': seenByShakaDash,
  'dash.js': seenByDashJs,
  'video.js': seenByVideoJsDash(require('mpd-parser') as VideoJsDash),
  'video.js 7': seenByVideoJsDash(require('mpd-parser-0') as VideoJsDash),
}
