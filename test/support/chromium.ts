import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

const run = promisify(execFile)

/** Debian's, where it is installed. */
const INSTALLED = '/usr/bin/chromium'
/** Where the one of the npm package is unpacked: in this checkout, where nobody else can put a program. */
const UNPACKED = resolve('.mediaward/chromium')
const PACKAGE = join(
  dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')),
  '../package.json',
)

/**
 * Ours alone: the npm package's own list holds `--disable-web-security`, with which every test of CORS passes for
 * nothing, and `--single-process`, which dies when a page closes.
 */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--no-first-run',
  // A test clicks nothing.
  '--autoplay-policy=no-user-gesture-required',
]

/** A Chromium that runs headless. */
export interface Program {
  readonly path: string
  /** What it needs in `LD_LIBRARY_PATH`; undefined where the machine has it all. */
  readonly libraries?: string
}

/** Launches a headless Chromium. Rejects with what it said, and how to mend it, where there is none that starts. */
export async function launchChromium(): Promise<Browser> {
  const { path, libraries } = await findChromium()
  const { PATH = '', HOME = '' } = process.env
  try {
    return await chromium.launch({
      executablePath: path,
      args: ARGUMENTS,
      env: { PATH, HOME, ...(libraries !== undefined && { LD_LIBRARY_PATH: libraries }) },
    })
  } catch (cause) {
    throw new Error(`${path} was not launched; "apt-get install chromium" gives another: ${String(cause)}`, {
      cause,
    })
  }
}

/** The installed Chromium where there is one, else that of the npm package. */
export async function findChromium(installed = INSTALLED, unpacked = UNPACKED): Promise<Program> {
  if (existsSync(installed)) return { path: installed }
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }
  const folder = join(unpacked, version)
  if (!existsSync(folder)) await unpack(unpacked, folder)
  const path = join(folder, 'chromium')
  const libraries = join(folder, 'al2023/lib')
  const bare = await starts(path)
  if (bare === undefined) return { path }
  const helped = await starts(path, libraries)
  if (helped === undefined) return { path, libraries }
  throw new Error(
    `the Chromium of @sparticuz/chromium does not start here; "apt-get install chromium" gives another: ${helped}`,
  )
}

/** What it says where it does not start. */
async function starts(path: string, libraries?: string): Promise<string | undefined> {
  const env = libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }
  try {
    await run(path, ['--version'], { env, timeout: 30_000 })
    return undefined
  } catch (error) {
    return String(error)
  }
}

/**
 * Several workers may come at once. Each unpacks into a folder of its own, and whoever is first gives it its name,
 * so that under that name there is never half of one.
 */
async function unpack(parent: string, folder: string): Promise<void> {
  mkdirSync(parent, { recursive: true })
  const own = mkdtempSync(join(parent, 'unpacking-'))
  // The package unpacks to where the temporary folder is said to be: a process of its own is told another.
  const program = `
    import chromium, { inflate } from '@sparticuz/chromium'
    await chromium.executablePath()
    await inflate(process.argv[1])`
  const archive = join(dirname(PACKAGE), 'bin/al2023.tar.br')
  try {
    const { PATH } = process.env
    const args = ['--input-type=module', '--eval', program, archive]
    await run(process.execPath, args, { env: { PATH, TMPDIR: own }, timeout: 120_000 })
    renameSync(own, folder)
  } catch (cause) {
    // Somebody else was first: theirs is as good.
    if (!existsSync(folder)) {
      throw new Error(`@sparticuz/chromium could not be unpacked into ${parent}: ${String(cause)}`, { cause })
    }
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
