import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

// The shape of the house, held: who may know whom, who may know which library, and how large a room may be.

const SRC = resolve('src')

interface Source {
  readonly path: string
  readonly text: string
  readonly lines: number
  /** Files of ours that it imports, and packages. Types count. */
  readonly files: readonly string[]
  readonly packages: readonly string[]
}

const sources: Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => {
    const text = readFileSync(join(SRC, name), 'utf8')
    const specifiers = [
      ...text.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm),
    ].map(m => m[1] ?? m[2] ?? m[3] ?? '')
    return {
      path: name,
      text,
      lines: text.split('\n').length - 1,
      files: specifiers
        .filter(s => s.startsWith('.'))
        .map(s => relative(SRC, resolve(dirname(join(SRC, name)), s))),
      packages: specifiers.filter(s => !s.startsWith('.')),
    }
  })

/** Rooms, from the innermost to the outermost. A file knows its own room and the rooms below, no other beside it. */
const FLOORS: readonly (readonly RegExp[])[] = [
  // Runs where the gate does not: in the app. It knows nobody, and nobody knows it.
  [/^player\//],
  // Runs in a browser, as an app does: the page of the demo clinic.
  [/^page\//],
  [/^base\//],
  [/^(reason|refusal)\.ts$/],
  [/^recordings\//],
  [/^locate\//, /^authorize\//, /^http\//],
  [/^playlist\//, /^request-context\.ts$/],
  [/^ledger\//],
  [/^render\//, /^follow\//, /^archive\//, /^control\//, /^watch\//],
  [/^ticket\//],
  [/^authenticate\//],
  [/^sinks\//],
  [/^alerts\//, /^respond\//],
  [/^explain\//, /^metrics\//],
  [/^session\//, /^play\//, /^ingest\//, /^evaluate\//, /^console\//, /^doctor\//, /^health\//],
  [/^config\//],
  [/^services\.ts$/],
  [/^guard\.ts$/, /^routes\.ts$/],
  [/^gate\.ts$/],
  [/^middleware\.ts$/],
  [/^app\.ts$/, /^development\.ts$/],
  [/^index\.ts$/, /^runtime\/(folder|memory|postgres|s3|sqlite)\//],
  [/^runtime\/(cloudflare|local)\//],
  [/^runtime\/(node|deno)\//],
  [/^cli\//],
]
function placeOf(path: string): { floor: number; room: RegExp } {
  for (const [floor, rooms] of FLOORS.entries()) {
    const room = rooms.find(pattern => pattern.test(path))
    if (room !== undefined) return { floor, room }
  }
  throw new Error(`${path} is in no room: give it one in this test, or move it`)
}
function mayKnow(path: string, file: string): boolean {
  const [from, to] = [placeOf(path), placeOf(file)]
  return to.floor < from.floor || to.room === from.room
}

describe('imports', () => {
  test('every import points inward', () => {
    const outward = sources.flatMap(({ path, files }) =>
      files.filter(file => !mayKnow(path, file)).map(file => `${path} -> ${file}`),
    )
    expect(outward).toEqual([])
  })

  test('the player and the demo page import nothing of the gate, and the gate nothing of them', () => {
    const isOfBrowsers = (path: string) => /^(player|page)\//.test(path)
    const across = sources.flatMap(({ path, files, packages }) =>
      isOfBrowsers(path)
        ? [...files.filter(file => !isOfBrowsers(file)), ...packages]
        : files.filter(file => isOfBrowsers(file) && !path.startsWith('cli/demo/')),
    )
    expect(across).toEqual([])
    expect(sources.filter(({ path }) => isOfBrowsers(path)).length).toBeGreaterThan(3)
  })

  test('imports form no circle', () => {
    const graph = new Map(sources.map(({ path, files }) => [path, files]))
    const done = new Set<string>()
    const visit = (path: string, way: string[]): void => {
      if (way.includes(path)) throw new Error([...way.slice(way.indexOf(path)), path].join(' -> '))
      if (done.has(path)) return
      for (const file of graph.get(path) ?? []) visit(file, [...way, path])
      done.add(path)
    }
    for (const { path } of sources) visit(path, [])
  })

  test.each<[string, RegExp, RegExp]>([
    ['jose', /^jose/, /^(authenticate\/|ticket\/|config\/|cli\/development-issuer\.ts$)/],
    ['hono', /^hono/, /^(middleware\.ts$|app\.ts$|runtime\/)/],
    ['@hono/node-server', /^@hono\/node-server$/, /^runtime\/node\//],
    ['aws4fetch', /^aws4fetch$/, /^runtime\/s3\//],
    ['postgres', /^postgres$/, /^runtime\/postgres\//],
    ['content-disposition', /^content-disposition$/, /^http\/file-name\.ts$/],
    ['eventsource-parser', /^eventsource-parser$/, /^cli\/log\//],
    ['p-limit', /^p-limit$/, /^cli\/(put\.ts$|upload\/)/],
    ['a module of Cloudflare', /^cloudflare:/, /^runtime\/cloudflare\//],
    ['a module of Node', /^node:/, /^(cli|runtime\/(folder|local|node|deno|postgres|s3|sqlite))\//],
    ['a tool of development', /^(miniflare|esbuild|wrangler)$/, /^cli\//],
  ])('%s is imported only in the rooms that need it', (_, library, allowed) => {
    const strangers = sources.filter(
      ({ path, packages }) => packages.some(name => library.test(name)) && !allowed.test(path),
    )
    expect(strangers.map(({ path }) => path)).toEqual([])
  })

  test('src imports no package besides the known ones', () => {
    const known =
      /^(jose|jose\/(base64url|errors)|hono|hono\/(route|tiny)|@hono\/node-server|aws4fetch|content-disposition|eventsource-parser|p-limit|postgres|cloudflare:workers|node:.+|miniflare|esbuild|wrangler)$/
    expect(sources.flatMap(({ packages }) => packages).filter(name => !known.test(name))).toEqual([])
  })

  test('only nine files import more than types from jose', () => {
    const users = sources
      .filter(({ text }) => /^import (?!type)[^'"]*from 'jose[/']/m.test(text))
      .map(({ path }) => path)
    expect(users.sort()).toEqual([
      'authenticate/access-token.ts',
      'authenticate/keys/find-key.ts',
      'authenticate/keys/key-changes.ts',
      'authenticate/keys/key-material.ts',
      'authenticate/parse-token.ts',
      'authenticate/proof/proof-verifier.ts',
      'authenticate/proof/verify-proof.ts',
      'cli/development-issuer.ts',
      'ticket/ticket.ts',
    ])
  })

  test.each(['runtime/cloudflare/worker.ts', 'runtime/node/main.ts', 'runtime/deno/serve.ts', 'index.ts'])(
    '%s, which is deployed, imports nothing of the command line, of the demo page or of development',
    entry => {
      const graph = new Map(sources.map(({ path, files }) => [path, files]))
      const reached = new Set<string>()
      const visit = (path: string): void => {
        if (reached.has(path)) return
        reached.add(path)
        for (const file of graph.get(path) ?? []) visit(file)
      }
      visit(entry)
      expect([...reached].filter(path => /^(cli|page)\/|(^|\/)development\.ts$/.test(path))).toEqual([])
      expect(reached.size).toBeGreaterThan(30)
    },
  )
})

describe('independence of runtimes', () => {
  const CLOUDFLARE =
    /\b(R2\w+|DurableObject\w*|ExportedHandler|FixedLengthStream|ExecutionContext(?!`)|Cloudflare\.Env)\b/
  test('no file outside runtime/cloudflare names a type of Cloudflare', () => {
    const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    const strangers = sources.filter(
      ({ path, text }) => !path.startsWith('runtime/cloudflare/') && CLOUDFLARE.test(code(text)),
    )
    // The local Cloudflare of the command line names bindings, not types.
    expect(strangers.map(({ path }) => path).filter(path => path !== 'cli/workerd.ts')).toEqual([])
  })

  test('only fifteen files besides the commands read the clock', () => {
    const clocks = sources.filter(({ path, text }) => /\bDate\.now\b/.test(text) && !path.startsWith('cli/'))
    expect(clocks.map(({ path }) => path).sort()).toEqual([
      'config/table.ts',
      // Runs in a browser.
      'page/findings-panel.ts',
      'player/ticket.ts',
      // A Durable Object is made by the runtime, which hands over no clock.
      'runtime/cloudflare/control/control-object.ts',
      'runtime/cloudflare/follower-alarm.ts',
      'runtime/cloudflare/ledger-object.ts',
      'runtime/cloudflare/log-object.ts',
      'runtime/folder/folder-store.ts',
      'runtime/local/local-sinks.ts',
      'runtime/local/local.ts',
      'runtime/memory/memory-control.ts',
      'runtime/memory/memory-store.ts',
      'runtime/postgres/postgres-ledger.ts',
      'runtime/sqlite/sqlite-ledger.ts',
    ])
  })
})

/** What a package or a runtime enters by. */
const ENTRY = /(?:^|\/)(?:index|main|development)\.ts$/

describe('rooms and files', () => {
  test('a file has at most 300 lines, at most ten that are no entry have under 20, and the median is 60 to 120', () => {
    const long = sources.filter(({ lines }) => lines > 300)
    expect(long.map(({ path, lines }) => `${path}: ${lines}`)).toEqual([])
    const short = sources.filter(({ path, lines }) => lines < 20 && !ENTRY.test(path))
    expect(short.length).toBeLessThanOrEqual(10)
    const sizes = sources.map(({ lines }) => lines).sort((a, b) => a - b)
    const median = sizes[Math.floor(sizes.length / 2)]
    expect(median).toBeGreaterThanOrEqual(60)
    expect(median).toBeLessThanOrEqual(120)
  })

  test('a room has at most 1,650 lines', () => {
    const rooms = new Map<string, number>()
    for (const { path, lines } of sources) rooms.set(dirname(path), (rooms.get(dirname(path)) ?? 0) + lines)
    expect([...rooms].filter(([, lines]) => lines > 1_650)).toEqual([])
  })

  test('gate.ts, the way of a request, has at most 90 lines', () => {
    expect(sources.find(({ path }) => path === 'gate.ts')?.lines).toBeLessThanOrEqual(90)
  })

  test('no room or file is called utils, helpers, types, misc or common', () => {
    const names = sources
      .map(({ path }) => path)
      .filter(path => /(^|\/)(utils?|helpers?|types|misc|common)(\/|\.ts$)/.test(path))
    expect(names).toEqual([])
  })

  test('no file reads the name of a class, which a minifier changes', () => {
    const readers = sources.filter(({ text }) => /\b(?:[A-Z]\w*[a-z]\w*|constructor)\.name\b/.test(text))
    expect(readers.map(({ path }) => path)).toEqual([])
  })

  test('no file uses any or ignores an error of the compiler', () => {
    const shrugs = sources.filter(({ text }) =>
      /(:|as|<)\s*any\b|@ts-(ignore|nocheck|expect-error)/.test(text),
    )
    expect(shrugs.map(({ path }) => path)).toEqual([])
  })
})

test('wrangler.toml shuts the side doors of the deployment', () => {
  const toml = readFileSync('wrangler.toml', 'utf8')
  expect(toml).toMatch(/^workers_dev = false$/m)
  expect(toml).toMatch(/^preview_urls = false$/m)
  expect(toml).toMatch(/^redact_query_string = true$/m)
  // They would hold the tickets that stand in paths.
  expect(toml).toMatch(/^invocation_logs = false$/m)
  // With it, `wrangler dev` reads nothing of .dev.vars but what it lists.
  expect(toml).not.toMatch(/^\[secrets\]/m)
  expect(toml).not.toMatch(/^\[cache\]|^cache\s*=|^\[assets\]/m)
  // One date for both, so that what is tried here is what is deployed.
  const date = /^compatibility_date = "(.+)"$/m.exec(toml)?.[1]
  expect(date).toBeDefined()
  expect(readFileSync('src/cli/workerd.ts', 'utf8')).toContain(`'${date}'`)
  expect(statSync('worker-configuration.d.ts').isFile()).toBe(true)
})
