import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../src/cli/workerd.ts'
import { exampleOf } from '../support/docs-examples.ts'
import { type EmptyProject, emptyProject } from '../support/empty-project.ts'
import { end, ready, startGate } from '../support/gate.ts'
import { createIssuer, denials, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { deadLinks } from '../support/relative-links.ts'

// The package as npm installs it, in an empty project outside of this checkout.

/** The whole programs of the README: for Workers, and for Node. */
const [WORKER_PROGRAM = '', NODE_PROGRAM = ''] = [
  ...readFileSync('README.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g),
].map(([, program = '']) => program)
const MODULES = 'node_modules/mediaward'

let project: EmptyProject
let idp: TestIssuer
beforeAll(async () => {
  project = await emptyProject()
  idp = await createIssuer('https://login.clinic.example/')
}, 120_000)
afterAll(() => project.remove())

describe('the package', () => {
  test('the package contains what is meant to be in it, and nothing else', () => {
    const meant =
      /^(LICENSE|package\.json|wrangler\.toml|\.dev\.vars\.example|(README|CHANGELOG|CONTRIBUTING|SECURITY|docs\/[a-z-]+)\.md|docs\/demo-page\.png|docs\/fhir\/[\w-]+\.(fsh|json|yaml)|docs\/grafana\/mediaward\.json|docs\/sigma\/mediaward\.yml|schemas\/record\.schema\.json|test\/vectors\/(authorize|configuration-mistakes)\.json|demo\/clinic\.json|demo\/page\/(index\.html|style\.css|icon\.svg)|demo\/media\/[\w/.-]+\.(mp4|webm|m4a|m4s|m3u8)|dist\/[a-z0-9/-]+(\.d\.ts|\.js))$/
    expect(project.packed.filter(path => !meant.test(path))).toEqual([])
    expect(project.packed).toContain('demo/clinic.json')
    expect(project.packed).toContain('wrangler.toml')
    expect(project.packed).toContain('.dev.vars.example')
    // Nothing of an earlier build either.
    const strangers = project.packed
      .filter(path => path.startsWith('dist/'))
      .map(path => path.replace(/^dist/, 'src').replace(/(\.d\.ts|\.js)$/, '.ts'))
      .filter(source => !existsSync(source))
    expect(strangers).toEqual([])
    // In bytes, packed. Rules, findings, alerts, lockdowns, their docs and the picture of the demo page have made it larger.
    expect(project.size).toBeLessThan(1_800_000)
  })

  test('each relative link of a page in the package leads to a file in the package', () => {
    expect(project.packed).toContain('docs/demo-page.png')
    expect(deadLinks(project.packed)).toEqual([])
  })

  test('the package contains no key', () => {
    const secret = /PRIVATE KEY|"d"\s*:\s*"|AKIA[A-Z0-9]{16}/
    const text = project.packed.filter(path => /\.(js|ts|json|md|m3u8)$/.test(path))
    expect(text.length).toBeGreaterThan(100)
    const holders = text.filter(path =>
      secret.test(readFileSync(join(project.folder, MODULES, path), 'latin1')),
    )
    expect(holders).toEqual([])
  })

  test('the package contains every file that it exports', () => {
    const { exports, bin } = JSON.parse(
      readFileSync(join(project.folder, MODULES, 'package.json'), 'utf8'),
    ) as { exports: Record<string, Record<string, string>>; bin: Record<string, string> }
    const files = [
      ...Object.values(exports).flatMap(conditions => Object.values(conditions)),
      ...Object.values(bin),
    ]
    expect(files.length).toBeGreaterThan(12)
    expect(files.filter(file => !existsSync(join(project.folder, MODULES, file)))).toEqual([])
  })

  test('the package installs the commands mediaward and mediaward-server', async () => {
    const help = await project.run('npx', '--no', 'mediaward', 'help')
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: mediaward COMMAND') })
    const serverHelp = await project.run('npx', '--no', '--', 'mediaward-server', '--help')
    expect(serverHelp).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: mediaward-server') })
    const server = await project.run('npx', '--no', 'mediaward-server')
    expect(server).toMatchObject({ code: 2, stderr: expect.stringContaining('DATA_DIR (data) is missing') })
  })

  test('the worker of the package can be deployed with a copy of its wrangler.toml, as that says', async () => {
    const toml = readFileSync(join(project.folder, MODULES, 'wrangler.toml'), 'utf8')
    const [, main = ''] = /^# .*\b(main = "node_modules\/.*")$/m.exec(toml) ?? []
    expect(existsSync(join(project.folder, main.split('"')[1] ?? ''))).toBe(true)
    project.write(
      'deploy/wrangler.toml',
      toml.replace(/^main = .*$/m, main.replace('node_modules', '../node_modules')),
    )
    const deployed = await project.run(
      'wrangler',
      'deploy',
      '--dry-run',
      '--outdir',
      'out',
      '--cwd',
      'deploy',
    )
    expect(deployed).toMatchObject({ code: 0, stdout: expect.stringContaining('LEDGER (LedgerObject)') })
  })

  const oldNode = findOldNode()
  test.runIf(oldNode !== undefined)(
    'the commands say in one line, on the old Node of this machine, which one they need',
    async () => {
      for (const [name, file] of [
        ['mediaward', 'cli/main.js'],
        ['mediaward-server', 'runtime/node/main.js'],
      ]) {
        const { code, stdout, stderr } = await project.run(oldNode ?? '', `${MODULES}/dist/${file}`, 'dev')
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
        expect(stderr).toMatch(
          new RegExp(`^${name}: error: Node 22\\.13 or newer is needed, and this is Node .*\\n$`),
        )
      }
    },
  )

  test('npx, called as the docs say, does not fetch a command that is not installed', async () => {
    const asked: string[] = []
    const registry = createServer(({ url = '' }, response) => {
      asked.push(url)
      const dist = { tarball: `http://${response.req.headers.host}/stranger.tgz`, shasum: '0' }
      const bin = { 'mediaward-server': 'stranger.js' }
      const version = { name: 'mediaward-server', version: '9.9.9', bin, dist }
      response.setHeader('Content-Type', 'application/json')
      response.end(
        JSON.stringify({ ...version, 'dist-tags': { latest: '9.9.9' }, versions: { '9.9.9': version } }),
      )
    })
    await new Promise<void>(resolve => registry.listen(0, '127.0.0.1', resolve))
    const { port } = registry.address() as AddressInfo
    // npx looks for a package in the folders above, too.
    const elsewhere = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const npx = ['-C', elsewhere, 'npx', '--registry', `http://127.0.0.1:${port}`, '--no']
    const { code, stderr } = await project.run('env', ...npx, 'mediaward-server')
    registry.close()
    expect(code).not.toBe(0)
    expect(stderr).toContain('canceled due to missing packages')
    expect(asked.filter(path => path.endsWith('.tgz'))).toEqual([])
  })
})

describe('the programs of the README', () => {
  // The one change: the keys themselves, as login.clinic.example serves none.
  const withKeys = (program: string) =>
    program.replace(/jwks_uri: '[^']*'/, `jwks: ${JSON.stringify(idp.jwks)}`)

  test.each([
    ['Workers', WORKER_PROGRAM],
    ['Node', NODE_PROGRAM],
  ])('the program of the README for %s has at most 17 lines of code', (_, program) => {
    const lines = program.split('\n').filter(line => line.trim() !== '').length
    expect(lines).toBeGreaterThan(8)
    expect(lines).toBeLessThanOrEqual(17)
  })

  test('the program of the README, in workerd, streams to the owner, lists denials and brings records back', async () => {
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        name: 'readme',
        modules: true,
        script: await bundle(project.write('worker.ts', withKeys(WORKER_PROGRAM))),
        compatibilityDate: '2026-10-20',
        bindings: { PSEUDONYM_KEY: 'only for tests: no secret protects these people' },
        r2Buckets: ['RECORDINGS', 'AUDIT'],
        durableObjects: {
          LEDGER: { className: 'LedgerObject', useSQLite: true },
          LOG: { className: 'LogObject', useSQLite: true },
          CONTROL: { className: 'ControlObject', useSQLite: true },
        },
        cf: false,
        telemetry: { enabled: false },
      }),
    )
    const ask = async (path: string, subject?: string, roles: string[] = []) => {
      const headers: Record<string, string> =
        subject === undefined ? {} : await idp.bearer(subject, { roles })
      const response = await miniflare.dispatchFetch(`https://app.test${path}`, { headers })
      return [response.status, await response.text()] as const
    }
    try {
      const bucket = await miniflare.getR2Bucket('RECORDINGS')
      await bucket.put('recordings/rec-1', 'the recording', { customMetadata: { 'mw-owner': 'patient-1' } })
      expect(await ask('/recordings/rec-1', 'patient-1')).toEqual([200, 'the recording'])
      expect((await ask('/recordings/rec-1', 'patient-2'))[0]).toBe(404)
      expect((await ask('/recordings/rec-1'))[0]).toBe(401)
      const [status, lines] = await ask('/console/api/denials', 'analyst-1', ['security'])
      expect(status).toBe(200)
      expect(lines.match(/"reason":"\w+"/g)).toEqual(['"reason":"not_owner"', '"reason":"token_missing"'])

      const spool = await miniflare.getR2Bucket('AUDIT')
      const id = '01a20657-1d65-70a8-a1f9-c9dba64c576e'
      await spool.put(`.mediaward/overflow/${id}`, JSON.stringify({ id, t: '2026-11-23T02:58:22.181Z' }))
      await (await miniflare.getWorker()).scheduled()
      const { objects } = await spool.list({ prefix: '.mediaward/' })
      expect(objects.map(({ key }) => key)).toEqual([])
    } finally {
      await miniflare.dispose()
    }
  })

  test('the program of the README serves on Node, and records what it has counted when it ends', async () => {
    const data = mkdtempSync(join(project.folder, 'data-'))
    const port = await freePort()
    const program = withKeys(NODE_PROGRAM).replace('/var/lib/mediaward', data).replace('8787', `${port}`)
    const child = spawn(process.execPath, [project.write('readme.ts', program)], {
      cwd: project.folder,
      env: { PATH: process.env.PATH, PSEUDONYM_KEY: 'only for tests: no secret protects these people' },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const url = `http://127.0.0.1:${port}`
    try {
      await expect.poll(() => fetch(url).then(({ status }) => status, String), { timeout: 20_000 }).toBe(404)
      await serves(url)
    } finally {
      await end(child, () => child.kill('SIGTERM'))
    }
    expect(child.exitCode).toBe(0)
    const ledger = new DatabaseSync(join(data, 'ledger.sqlite'), { readOnly: true })
    const records = ledger
      .prepare('SELECT json FROM event UNION ALL SELECT json FROM held_delivery')
      .all() as { json: string }[]
    ledger.close()
    // What left is counted for ten seconds: its record is made by `gate.close()`.
    expect(records.filter(({ json }) => json.includes('"kind":"delivery"'))).toHaveLength(1)
  })
})

describe('types', () => {
  const NODE = { lib: ['ES2024'], module: 'NodeNext', types: ['node'] }
  const WORKER = { lib: ['ES2024'], module: 'ESNext', moduleResolution: 'Bundler', types: [] }
  const check = async (path: string, options: object, ...files: string[]) => {
    const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false }
    const config = { compilerOptions: { target: 'ES2024', ...strict, ...options }, files }
    project.write(`${path}/tsconfig.json`, JSON.stringify(config))
    return project.run('tsc', '-p', path)
  }
  const clean = { code: 0, stdout: '' }

  beforeAll(() => project.link('@types/node', '@cloudflare/workers-types'))

  test('an app on Node passes a strict type check', async () => {
    project.copy('test/package/examples/node.ts', 'node/app.ts')
    const [, documented = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync('docs/one-machine.md', 'utf8')) ?? []
    project.write('node/documented.ts', documented)
    project.write('node/owner.ts', exampleOf('docs/owners.md', 'owner-postgres').code)
    expect(await check('node', NODE, 'app.ts', 'documented.ts', 'owner.ts')).toMatchObject(clean)
  })

  test('the program of the README for Node passes a strict type check with the types of the DOM', async () => {
    project.write('readme/app.ts', NODE_PROGRAM)
    expect(await check('readme', { ...NODE, lib: ['ES2024', 'DOM'] }, 'app.ts')).toMatchObject(clean)
  })

  test('an app on Workers passes a strict type check with the types of wrangler or of workers-types', async () => {
    project.write('worker/app.ts', WORKER_PROGRAM)
    project.write('worker/owner.ts', exampleOf('docs/owners.md', 'owner-d1').code)
    project.copy('test/package/examples/wrangler.toml', 'worker/wrangler.toml')
    const files = ['app.ts', 'owner.ts', 'worker-configuration.d.ts']

    expect(await project.run('wrangler', 'types', '--cwd', 'worker')).toMatchObject({ code: 0 })
    expect(await check('worker', WORKER, ...files)).toMatchObject(clean)

    await project.run('wrangler', 'types', '--cwd', 'worker', '--include-runtime=false')
    expect(
      await check('worker', { ...WORKER, types: ['@cloudflare/workers-types'] }, ...files),
    ).toMatchObject(clean)
  })

  test('the type check finds a mistake in the options', async () => {
    project.write(
      'mistake/app.ts',
      `import { mediaward } from 'mediaward'\nexport const app = mediaward({ issuers: 1 })\n`,
    )
    const { code, stdout } = await check('mistake', NODE, 'app.ts')
    expect(code).not.toBe(0)
    expect(stdout).toContain(`is not assignable to type 'readonly Issuer[]'`)
  })
})

test('a program on Node that imports every entry stores, streams to the owner, refuses and records', async () => {
  const main = project.copy('test/package/examples/node.ts', 'main.ts')
  const DATA_DIR = mkdtempSync(join(project.folder, 'data-'))
  const { PATH } = process.env
  const child = spawn(process.execPath, [main], {
    cwd: project.folder,
    env: { PATH, DATA_DIR, PORT: '0', ...variables(idp) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await ready(child, () => '')
  try {
    await serves(url)
  } finally {
    await end(child, () => child.kill('SIGTERM'))
  }
  expect(child.exitCode).toBe(0)
})

test('Node cannot import the entry for Deno', async () => {
  const { code, stderr } = await project.run('node', '-e', `import('mediaward/deno')`)
  expect(code).not.toBe(0)
  expect(stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
})

describe('mediaward dev', () => {
  const installed = () => join(project.folder, 'node_modules/.bin/mediaward')
  const start = (runtime: string) => startGate({ main: installed(), runtime, vars: variables(idp) })

  test.each(['node', 'deno'])('mediaward dev, installed from the package, serves on %s', async runtime => {
    const gate = await start(runtime)
    try {
      await serves(gate.url)
    } finally {
      await gate.stop()
    }
  })

  test('mediaward dev says which packages it lacks for workerd', async () => {
    await expect(start('workerd')).rejects.toThrow(
      /--runtime workerd needs the package miniflare[\s\S]*npm install --save-dev wrangler/,
    )
  })

  test('mediaward dev serves the demo clinic on workerd if wrangler is installed too', async () => {
    project.link('miniflare', 'esbuild')
    const gate = await startGate({ main: installed(), runtime: 'workerd', demo: true })
    try {
      expect((await fetch(`${gate.url}/recordings/rec-001`)).status).toBe(401)
      expect(gate.said()).toContain('10 patients')
      expect(await loadPage(gate.page ?? '')).toHaveLength(12)
    } finally {
      await gate.stop()
    }
  })
})

/** Loads a page as a browser does: with its style, its icon, and its modules one after another. */
async function loadPage(page: string, loaded: string[] = []): Promise<string[]> {
  const load = async (path: string) => {
    const response = await fetch(new URL(path, page))
    expect([path, response.status]).toEqual([path, 200])
    return response.text()
  }
  const [, main = ''] = /<script type="module" src="([^"]+)"/.exec(await load('/')) ?? []
  await Promise.all(['/style.css', '/favicon.ico', '/clinic.json'].map(load))
  const visit = async (path: string): Promise<void> => {
    if (loaded.includes(path)) return
    loaded.push(path)
    const imported = (await load(path)).matchAll(/^import [^'"]*['"]([^'"]+)['"]/gm)
    for (const [, name = ''] of imported) await visit(new URL(name, new URL(path, page)).pathname)
  }
  await visit(main)
  return loaded
}

/** What every gate does. */
async function serves(url: string): Promise<void> {
  const gate = { url } as Parameters<typeof store>[0]
  const ask = async (subject: string) => {
    const headers = await idp.bearer(subject)
    const response = await fetch(`${url}/recordings/rec-1`, { headers })
    return [response.status, await response.text()]
  }
  expect((await store(gate, idp, '/recordings/rec-1', 'patient-1', 'the recording')).status).toBe(201)
  expect(await ask('patient-1')).toEqual([200, 'the recording'])
  expect((await ask('patient-2'))[0]).toBe(404)
  expect((await denials(gate, idp)).map(({ reason }) => reason)).toEqual(['not_owner'])
}

/** Finds a Node that the package doesn't run on, among those of this machine. */
function findOldNode(): string | undefined {
  const folders = (process.env.PATH ?? '').split(':').filter(folder => !folder.includes('node_modules'))
  return folders
    .map(folder => join(folder, 'node'))
    .find(
      file =>
        existsSync(file) &&
        /^v(\d|1\d|2[01])\./.test(execFileSync(file, ['--version'], { encoding: 'utf8' })),
    )
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
