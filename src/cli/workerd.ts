import { metadataOf } from '../recordings/object-metadata.ts'
import { runtimeMark } from './data-lock.ts'
import type { StartGate } from './local-gate.ts'
import { ownFile } from './own-file.ts'
import { say, UsageError } from './terminal.ts'

/** What the simulator of R2 says of every range beyond an object's end. */
const SIMULATOR = /\/miniflare\/dist\/|R2 error response does not contain/
/** As in wrangler.toml. */
const COMPATIBILITY_DATE = '2026-10-20'

/** Bundles a worker as `wrangler deploy` would. */
export async function bundle(entry: string = ownFile('runtime/cloudflare/worker')): Promise<string> {
  const { build } = await brought('esbuild', import('esbuild'))
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    logLevel: 'silent',
  })
  const [output] = outputFiles
  if (output === undefined) throw new Error(`${entry} gave no bundle`)
  return output.text
}

/** Starts a local Cloudflare: the deployable worker in workerd, with R2 and Durable Objects kept in a folder. */
export const startWorkerd: StartGate = async (port, data, variables, seed) => {
  const { convertV4MiniflareOptions, Log, LogLevel, Miniflare } = await brought(
    'miniflare',
    import('miniflare'),
  )
  // Projects may have an older one for purposes of their own.
  if (convertV4MiniflareOptions === undefined) throw lacking('miniflare from version 5 on')
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 'mediaward',
      modules: true,
      script: await bundle(),
      compatibilityDate: COMPATIBILITY_DATE,
      bindings: { ...variables },
      r2Buckets: { RECORDINGS: 'recordings', AUDIT: 'mediaward-audit' },
      durableObjects: { LEDGER: { className: 'LedgerObject', useSQLite: true } },
      resourcePersistencePath: data,
      host: '127.0.0.1',
      // Straight to the worker: the simulator's own front would resolve dot segments before we see them.
      unsafeDirectSockets: [{ host: '127.0.0.1', port }],
      cf: false,
      telemetry: { enabled: false },
      unsafeRuntimeEnv: runtimeMark(data),
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: ({ message }) => {
        // The R2 simulator prints a stack for every range beyond an object's end, which is everyday.
        if (!SIMULATOR.test(message)) say(message)
      },
    }),
  )
  await miniflare.ready
  const url = (await miniflare.unsafeGetDirectURL()).origin
  const bucket = await miniflare.getR2Bucket('RECORDINGS')
  await seed({
    has: async key => (await bucket.head(key)) !== null,
    put: (key, bytes, contentType, binding) =>
      bucket.put(key, bytes, { httpMetadata: { contentType }, customMetadata: metadataOf(binding) }),
  })
  return { url, stop: () => miniflare.dispose() }
}

/** A package that only this runtime needs: ours is installed without it. */
async function brought<Module>(name: string, loading: Promise<Module>): Promise<Module> {
  try {
    return await loading
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw lacking(name)
  }
}

function lacking(name: string): UsageError {
  return new UsageError(
    `--runtime workerd needs the package ${name}`,
    'in a project, "npm install --save-dev wrangler" brings it; --runtime node needs no more than is there',
  )
}
