import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

const run = promisify(execFile)

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  dependencies: Record<string, string>
}
/** What Mediaward needs wherever it is installed, and what these packages need. */
const DEPENDENCIES = [...Object.keys(dependencies), 'yocto-queue']

/** A project outside of this checkout that has nothing but Mediaward, as npm installs it. */
export interface EmptyProject {
  readonly folder: string
  /** Paths in the package. */
  readonly packed: readonly string[]
  /** Bytes of the package as it is sent. */
  readonly size: number
  /** Runs a program in it; resolves to its exit code and what it said. */
  readonly run: (command: string, ...args: string[]) => Promise<Said>
  /** Writes a file into it; resolves to its path. */
  readonly write: (path: string, content: string) => string
  readonly copy: (source: string, path: string) => string
  /** Gives it a package of the checkout, as if it had installed that too. */
  readonly link: (...names: string[]) => void
  readonly remove: () => void
}

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Packs Mediaward and installs it, without the network and without what npm knows of this checkout. */
export async function emptyProject(): Promise<EmptyProject> {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-empty-'))
  const { PATH = '', HOME = '' } = process.env
  const environment = {
    PATH,
    HOME,
    NO_COLOR: '1',
    npm_config_cache: join(folder, 'cache'),
    DO_NOT_TRACK: '1',
  }
  const say = async (cwd: string, command: string, args: readonly string[]): Promise<Said> => {
    try {
      return { code: 0, ...(await run(command, args, { cwd, env: environment, maxBuffer: 2 ** 24 })) }
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as Partial<Said>
      // A program that isn't there has a text for a code.
      if (typeof code !== 'number') throw error
      return { code, stdout, stderr }
    }
  }
  const npm = async (cwd: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await say(cwd, 'npm', args)
    if (code !== 0) throw new Error(`npm ${args[0]} failed:\n${stdout}${stderr}`)
    return stdout
  }
  const packages = join(folder, 'packages')
  const project = join(folder, 'project')
  mkdirSync(packages)
  mkdirSync(project)

  const pack = (...args: string[]) => npm('.', 'pack', '--json', '--pack-destination', packages, ...args)
  const [ours, ...others] = [
    ...packedIn(await pack()),
    // The scripts of others are for who builds them.
    ...packedIn(await pack('--ignore-scripts', ...DEPENDENCIES.map(name => `./node_modules/${name}`))),
  ]
  if (ours === undefined) throw new Error('npm packed nothing')
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n')
  const files = [ours, ...others].map(({ filename }) => join(packages, filename))
  await npm(project, 'install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', ...files)

  const ref = (path: string): string => {
    const target = join(project, path)
    mkdirSync(dirname(target), { recursive: true })
    return target
  }
  return {
    folder: project,
    packed: ours.files.map(({ path }) => path),
    size: ours.size,
    run: (command, ...args) => say(project, command, args),
    write: (path, content) => {
      const target = ref(path)
      writeFileSync(target, content)
      return target
    },
    copy: (source, path) => {
      const target = ref(path)
      copyFileSync(source, target)
      return target
    },
    link: (...names) => {
      for (const name of names) symlinkSync(resolve('node_modules', name), ref(`node_modules/${name}`), 'dir')
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string }[]
}

/** What `npm pack --json` says; what a script of the package said may stand before it. */
function packedIn(output: string): Packed[] {
  return JSON.parse(output.slice(output.indexOf('[\n'))) as Packed[]
}
