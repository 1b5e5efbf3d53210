import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import type { Reporter, TestModule } from 'vitest/node'

// The table of what was tried on which runtime, in docs/runtimes.md, made from the run itself. If it differs from the table
// there, `npm run table` writes it, and in CI it is a failure. It has no counts: a test more must not make the page wrong.

const PAGE = new URL('../../docs/runtimes.md', import.meta.url)
const BEGIN = '<!-- of a run of the tests: npm run table -->\n'
const END = '<!-- end of it -->'

const RUNTIMES = ['workerd', 'deno', 'node'] as const
const TITLES: Readonly<Record<string, string>> = {
  'http-vectors': 'HTTP vectors: ranges, conditions, methods (288 cases)',
  'token-vectors': 'token vectors: forged, expired, confused (191 cases)',
  'path-vectors': 'path vectors and third-party traversals (78 cases and two lists)',
  refusals: 'refusals: one answer for all, one record for each',
  kill: '`kill -9` under load: no record lost, no index given twice',
  storing: 'storing',
  uploads: 'storing in pieces, with digests',
  put: '`put`: in parallel, interrupted, on broken networks',
  'put-large': '`put` of large files',
  streaming: 'streaming',
  browser: 'players in Chromium: `<video>`, HLS, DASH, hls.js, Shaka Player, video.js, the address bar',
  pages: 'pages of other origins, media types, downloads',
  playlists: 'playlists that name nothing but their own recording',
  lists: 'lists that may not show what they may not play',
  views: 'views, and which bytes left',
  live: 'the log: asked, followed, counted',
  sinks: 'sinks: every record once, in order',
  lockdown: 'lockdowns: new requests, streams in flight, a gate that crashes',
  session: 'logins that end before their tokens',
  findings: 'findings: what rules find, and what analysts do',
  'findings-show': 'findings: what left, and whose lists it was in',
  canaries: 'canary recordings, and rules over past records',
  alerts: 'alerts: what each receiver is sent, signed and tried again',
  respond: 'what the gate stops by itself',
  drill: 'drills: an incident from the first denial to the last byte',
  metrics: 'metrics and `/readyz`',
  floods: 'a flood of made-up names',
  'key-rotation': 'pseudonym and ticket keys that are replaced',
  'gate-records': 'what the gate records by itself',
  tickets: 'tickets: the URL, the cookie, and what they don’t open',
  keys: 'key servers that rotate, fail and lie',
  'key-sets': 'key sets as providers publish them, and discovery',
  'private-authority': 'key servers with certificates of a private authority',
  places: 'tokens in headers and cookies of login proxies, and long ones',
  'openid-provider': 'a real OpenID provider: discovery, rotation, introspection, DPoP',
  proofs: 'DPoP proofs',
  explain: 'mistakes that are explained',
  'identity-providers': 'tokens of identity providers: their algorithms, headers and cookies',
  commands: 'the commands',
  development: 'what only `dev` answers',
  doctor: 'a deployment that is examined, well and unwell',
  locations: 'an app’s own URLs',
  names: 'names: long ones, with dots and colons, and what is no name',
  streams: 'a body that fails, a viewer who leaves, a viewer who is slow',
  deadlines: 'a body that never comes, stops midway, or trickles',
  service: 'as a service: start, stop, proxies, files left open',
  s3: 'recordings in S3',
}

type Counts = Map<string, { passed: number; failed: number }>

export default class RuntimeTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts: Counts = new Map()
    for (const module of modules) count(module, counts)
    const complete = RUNTIMES.every(runtime => counts.has(`kill ${runtime}`))
    if (!complete) return
    const page = readFileSync(PAGE, 'utf8')
    const [before = '', rest = ''] = page.split(BEGIN)
    const after = rest.slice(rest.indexOf(END))
    const updated = before + BEGIN + table(counts) + after
    if (updated === page) return
    if (process.env.WRITE_TABLE !== undefined) {
      writeFileSync(PAGE, updated)
      return
    }
    if (process.env.CI === undefined) return
    process.stderr.write('The table in docs/runtimes.md is not of this run: "npm run table" writes it.\n')
    process.exitCode = 1
  }
}

function count(module: TestModule, counts: Counts): void {
  const [, folder, file = ''] =
    /\/test\/(wire|service|streams|browser)\/([\w-]+)\.test\.ts$/.exec(module.moduleId) ?? []
  const suite = folder === 'browser' ? folder : file
  if (!Object.hasOwn(TITLES, suite)) return
  const [, ofProject] = module.project.name.split(':')
  for (const test of module.children.allTests()) {
    const runtime = ofProject ?? RUNTIMES.find(name => test.fullName.startsWith(`on ${name}`))
    if (runtime === undefined) continue
    const tally = counts.get(`${suite} ${runtime}`) ?? { passed: 0, failed: 0 }
    if (test.result().state === 'passed') tally.passed += 1
    if (test.result().state === 'failed') tally.failed += 1
    counts.set(`${suite} ${runtime}`, tally)
  }
}

function table(counts: Counts): string {
  const rows = Object.entries(TITLES).map(([suite, title]) => {
    const cells = RUNTIMES.map(runtime => {
      const tally = counts.get(`${suite} ${runtime}`)
      if (tally === undefined) return '–'
      if (tally.failed > 0) return `**${tally.failed} failed**`
      return tally.passed > 0 ? 'passed' : 'skipped'
    })
    return `| ${title} | ${cells.join(' | ')} |\n`
  })
  return `| tests | workerd | Deno | Node |\n| --- | --- | --- | --- |\n${rows.join('')}`
}
