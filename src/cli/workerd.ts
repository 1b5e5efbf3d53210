import process from 'node:process'
import { metadataOf } from '../recordings/object-metadata.ts'
import { runtimeMark } from './data-lock.ts'
import { member } from './json.ts'
import { authorityVariables, modulePath, type StartGate } from './local-gate.ts'
import { say, UsageError } from './terminal.ts'

/** What the R2 simulator prints for every range beyond the end of an object. */
const SIMULATOR_NOISE = /\/miniflare\/dist\/|R2 error response does not contain/
/** The same as in wrangler.toml. */
const COMPATIBILITY_DATE = '2026-10-20'

/** The Durable Objects of the worker, as in wrangler.toml. */
export const DURABLE_OBJECTS = {
  LEDGER: { className: 'LedgerObject', useSQLite: true },
  LOG: { className: 'LogObject', useSQLite: true },
  CONTROL: { className: 'ControlObject', useSQLite: true },
}

/** Bundles a worker as `wrangler deploy` does. By default, the one that is deployed. */
export async function bundle(entry: string = modulePath('runtime/cloudflare/worker')): Promise<string> {
  const { build } = await loadOptional('esbuild', import('esbuild'))
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    logLevel: 'silent',
  })
  const [output] = outputFiles
  if (output === undefined) throw new Error(`esbuild returned no bundle of ${entry}`)
  return output.text
}

/** Starts the deployable worker in workerd, with R2 and Durable Objects that are kept in the data folder. */
export const startWorkerd: StartGate = async (port, data, variables, seed) => {
  // The simulator reads them once, when it is loaded.
  Object.assign(process.env, authorityVariables())
  const { convertV4MiniflareOptions, Log, LogLevel, Miniflare } = await loadOptional(
    'miniflare',
    import('miniflare'),
  )
  // The project may use an older version for its own purposes.
  if (convertV4MiniflareOptions === undefined) throw packageMissing('miniflare 5 or newer')
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 'mediaward',
      modules: true,
      script: await bundle(modulePath('runtime/cloudflare/development')),
      compatibilityDate: COMPATIBILITY_DATE,
      // workerd on this machine has no jurisdictions, and the worker would not start.
      bindings: { ...variables, LEDGER_JURISDICTION: '' },
      r2Buckets: { RECORDINGS: 'recordings', AUDIT: 'mediaward-audit' },
      durableObjects: DURABLE_OBJECTS,
      resourcePersistencePath: data,
      host: '127.0.0.1',
      // Directly to the worker: miniflare's own server would resolve dot segments before the worker sees them.
      unsafeDirectSockets: [{ host: '127.0.0.1', port }],
      cf: false,
      telemetry: { enabled: false },
      unsafeRuntimeEnv: runtimeMark(data),
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: ({ message }) => {
        if (!SIMULATOR_NOISE.test(message)) say(message)
      },
    }),
  )
  await miniflare.ready
  const url = (await miniflare.unsafeGetDirectURL()).origin
  const bucket = await miniflare.getR2Bucket('RECORDINGS')
  await seed({
    has: async key => (await bucket.head(key)) !== null,
    put: (key, bytes, contentType, ownership) =>
      bucket.put(key, bytes, { httpMetadata: { contentType }, customMetadata: metadataOf(ownership) }),
  })
  return { url, stop: () => miniflare.dispose() }
}

/**
 * Loads a package that only this runtime needs, and that this package doesn't install.
 *
 * @throws UsageError if it isn't installed
 */
async function loadOptional<Module>(name: string, loading: Promise<Module>): Promise<Module> {
  try {
    return await loading
  } catch (error) {
    if (member(error, 'code') !== 'ERR_MODULE_NOT_FOUND') throw error
    throw packageMissing(name)
  }
}

function packageMissing(name: string): UsageError {
  return new UsageError(
    `--runtime workerd needs the package ${name}`,
    'in a project, run "npm install --save-dev wrangler", or use --runtime node, which needs no further package',
  )
}
