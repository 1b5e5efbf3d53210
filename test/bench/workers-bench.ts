import { gzipSync } from 'node:zlib'
import { transform } from 'esbuild'
import { say } from '../../src/cli/terminal.ts'
import { get } from './client.ts'
import { benchOneLog } from './one-log.ts'
import { type Findings, FLAT, type Ratio, ratio, streamingRows } from './report.ts'
import { type Measured, run, scenariosOf } from './scenarios.ts'
import { STREAMS, streamSlowly } from './slow-readers.ts'
import { type Operation, type Row, row } from './table.ts'
import { benchTickets } from './tickets.ts'
import { type BenchWorker, OBJECTS, startWorkers, type Workers } from './workers.ts'

/** The worker as it is deployed, beside the least that could be done, and beside what a team would write. */
export async function benchWorkers(folder: string): Promise<Findings> {
  say('starting the workers over copies of the same objects …')
  const workers = await startWorkers(folder)
  const scenarios = scenariosOf(workers)
  const ranges = await run(scenarios.ranges)
  const small = await run(scenarios.small)
  const large = await run(scenarios.large)
  const refusals = await run(scenarios.refusals)
  const tickets = await benchTickets([workers.mediaward], workers.token, '', workers.ticketless)
  const others = [...(await streaming(workers)), ...(await bundleSizes(workers.bundle))]
  await workers.stop()
  others.push(...(await benchOneLog(folder)))
  return {
    measured: [ranges, small, large, refusals, ...tickets.measured],
    others,
    ratios: [...ratiosOf(ranges, small, large, refusals), ...tickets.ratios],
  }
}

function ratiosOf(ranges: Measured, small: Measured, large: Measured, refusals: Measured): readonly Ratio[] {
  const toBare = ['mediaward', 'bare'] as const
  const toPiped = ['mediaward', 'bare that pipes'] as const
  const toNaive = ['mediaward', 'naive'] as const
  const notOwner = ['mediaward, not_owner', 'bare-insert'] as const
  const notOwnerToRead = ['mediaward, not_owner', 'bare-read-insert'] as const
  const again = ['mediaward, not_owner again', 'bare-read-insert'] as const
  const anonymous = ['mediaward, token_missing', 'bare-insert'] as const
  return [
    ratio('64 KiB ranges: CPU per request, of bare', ranges, toBare, 'cpu', { is: '<=', limit: 1.15 }),
    ratio('64 KiB ranges: rate, of naive', ranges, toNaive, 'rate', { is: '>=', limit: 1.5 }),
    ratio('64 KiB ranges: rate, of bare', ranges, toBare, 'rate'),
    ratio('1 MiB objects: CPU per request, of bare', small, toBare, 'cpu'),
    ratio('1 MiB objects: rate, of naive', small, toNaive, 'rate'),
    ratio('256 MiB object: transfer speed, of bare', large, toBare, 'rate', { is: '>=', limit: 0.88 }),
    ratio('256 MiB object: CPU per request, of bare', large, toBare, 'cpu'),
    ratio('256 MiB object: transfer speed, of bare that pipes', large, toPiped, 'rate', {
      is: '>=',
      limit: 0.95,
    }),
    ratio('256 MiB object: CPU per request, of bare that pipes', large, toPiped, 'cpu'),
    ratio('not_owner: rate, of bare insert', refusals, notOwner, 'rate', { is: '>=', limit: 0.5 }),
    ratio('not_owner: rate, of bare read and insert', refusals, notOwnerToRead, 'rate', {
      is: '>=',
      limit: 0.75,
    }),
    ratio('not_owner, counted: rate, of bare read and insert', refusals, again, 'rate'),
    ratio('token_missing: rate, of bare insert', refusals, anonymous, 'rate', { is: '>=', limit: 1 }),
  ]
}

async function streaming({ bare, mediaward, token }: Workers): Promise<readonly Row[]> {
  const { path, size } = OBJECTS.large
  const exchange = { request: get(path, { Authorization: `Bearer ${token}` }), status: 200, length: size }
  const rowsOf = async (worker: BenchWorker, target?: Operation) => {
    say(`${STREAMS} slow clients stream from ${worker.name} …`)
    return streamingRows(STREAMS, worker.name, await streamSlowly(worker, exchange, STREAMS), target)
  }
  return [...(await rowsOf(bare)), ...(await rowsOf(mediaward, FLAT))]
}

/** What is uploaded when the worker is deployed, as it is and with `--minify`. */
async function bundleSizes(bundle: string): Promise<readonly Row[]> {
  const gzipped = async (minify: boolean) => {
    const { code } = await transform(bundle, { minify, format: 'esm', target: 'es2024' })
    return gzipSync(code).length / 1024
  }
  return [
    row('worker bundle, gzipped', await gzipped(false), 'KiB'),
    row('worker bundle, minified and gzipped', await gzipped(true), 'KiB', { is: '<=', limit: 150 }),
  ]
}
