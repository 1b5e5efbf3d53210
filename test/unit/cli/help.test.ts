import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { OLDEST_NODE } from '../../../src/runtime/node/require-node.ts'
import { type Ended, run } from '../../support/command.ts'

// What every command answers to --help and --version, and what an old Node says.

const { version, engines, scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string
  engines: { node: string }
  scripts: Record<string, string>
}
const NAMES = [
  'dev',
  'token',
  'put',
  'log',
  'denials',
  'explain',
  'pseudonym',
  'sinks',
  'findings',
  'canary',
  'rules',
  'alert-test',
  'release',
  'drill',
  'lockdown',
  'doctor',
]
const SERVER = 'src/runtime/node/main.ts'
const quiet = { code: 0, stderr: '' }

/** Runs a program by Node, in an environment without variables of a gate. */
const node = (...args: string[]): Promise<Ended> =>
  new Promise(resolve => {
    const { PATH = '' } = process.env
    execFile(process.execPath, args, { env: { PATH } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })

/** One style: how to call it, what it does in one sentence, its options, one example. */
const PAGE =
  /^Usage: (?<usage>mediaward.*)\n\n(?<summary>[^\n]+\.)\n\n(?<title>Options|Commands):\n(?<rows>(?: {2,}\S.*\n)+)\nExample:\n {2}(?<example>.+)\n/

describe.each(NAMES)('%s', name => {
  test.each([
    [[name, '--help']],
    [[name, '-h']],
    [['help', name]],
    [[name, '-hh']],
    [[name, '--nope', 'x', '--help']],
  ])('mediaward %j prints the page of help, and does nothing else', async args => {
    const { stdout, ...ended } = await run(args)
    expect(ended).toEqual(quiet)
    const { usage = '', rows = '', example = '' } = PAGE.exec(stdout)?.groups ?? {}
    expect(usage).toMatch(new RegExp(`^mediaward ${name} .*\\[OPTIONS\\]$`))
    expect(rows).toMatch(/^ {2}-h, --help .*\n {2}--version .*\n/m)
    expect(example).toContain(`npm run -s mediaward -- ${name}`)
    expect(stdout.split('\n').filter(line => line.length > 110)).toEqual([])
  })

  test(`${name} --version prints the version of the package`, async () => {
    expect(await run([name, '--version'])).toEqual({ ...quiet, stdout: `${version}\n` })
  })
})

test.each([[[]], [['help']], [['--help']], [['-h']]])('mediaward %j lists the commands', async args => {
  const { stdout, ...ended } = await run(args)
  expect(ended).toEqual(quiet)
  const { title, rows = '' } = PAGE.exec(stdout)?.groups ?? {}
  expect(title).toBe('Commands')
  expect([...rows.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name)).toEqual(NAMES)
  expect(stdout).toContain('Exit codes: 0 done, 1 failed, 2 called wrongly, 3 the token has ended')
})

test('mediaward --version and mediaward-server --version print the version of the package', async () => {
  const printed = { ...quiet, stdout: `${version}\n` }
  expect(await run(['--version'])).toEqual(printed)
  expect(await node(SERVER, '--version')).toEqual(printed)
})

test.each(['--help', '-h'])('mediaward-server %s prints its page of help, and starts no gate', async flag => {
  const { stdout, ...ended } = await node(SERVER, flag)
  expect(ended).toEqual(quiet)
  expect(PAGE.exec(stdout)?.groups?.usage).toBe('mediaward-server [OPTIONS]')
})

test('mediaward-server refuses an argument that it does not take', async () => {
  const { code, stdout, stderr } = await node(SERVER, '--port', '80')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^Unknown option '--port'.*\n$/)
})

describe('an old Node', () => {
  const disguise = (as: string): string => {
    const file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'disguise.cjs')
    const versions = `{ ...process.versions, node: '${as}' }`
    writeFileSync(file, `Object.defineProperty(process, 'versions', { value: ${versions} })`)
    return file
  }

  test.each([
    ['mediaward', 'src/cli/main.ts', '18.0.0'],
    ['mediaward', 'src/cli/main.ts', '20.20.2'],
    ['mediaward', 'src/cli/main.ts', '22.12.0'],
    ['mediaward-server', SERVER, '20.20.2'],
  ])('%s (%s) on Node %s says in one line what it needs', async (program, main, old) => {
    const { code, stdout, stderr } = await node('-r', disguise(old), main, 'help')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(
      `${program}: error: Node ${OLDEST_NODE} or newer is needed, and this is Node ${old}\n`,
    )
  })

  test.each(['22.13.0', '23.0.0', '24.21.0', '100.0.0'])(
    'mediaward on Node %s does what it is asked',
    async one => {
      expect(await node('-r', disguise(one), 'src/cli/main.ts', '--version')).toMatchObject({ code: 0 })
    },
  )

  test('the program imports nothing that an old Node may lack before it has looked at its version', () => {
    const importsOf = (file: string) =>
      [...readFileSync(file, 'utf8').matchAll(/^import .* from '(.*)'/gm)].map(([, from]) => from)
    for (const main of ['src/cli/main.ts', SERVER]) {
      expect(importsOf(main)).toEqual(['node:process', expect.stringMatching(/\/require-node\.ts$/)])
    }
    expect(importsOf('src/runtime/node/require-node.ts')).toEqual(['node:process'])
  })

  test('package.json asks for the Node that the programs ask for', () => {
    expect(engines.node).toBe(`>=${OLDEST_NODE}`)
  })

  test.each(['start', 'mediaward', 'mediaward-server'])(
    'npm run %s, on a Node that reads no TypeScript, says in one line what to do',
    async name => {
      const [program, ...args] = (scripts[name] ?? '').split(' ')
      expect(program).toBe('node')
      for (const old of ['20.20.2', '22.17.1', '23.5.0']) {
        const { code, stdout, stderr } = await node('-r', disguise(old), ...args)
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
        expect(stderr).toMatch(/^mediaward: error: a checkout needs Node 22\.18 or newer, .*"npm ci".*\n$/)
        expect(stderr).toContain(old)
      }
      expect(await node('-r', disguise('22.18.0'), ...args, '--help')).toMatchObject({ code: 0 })
    },
  )
})
