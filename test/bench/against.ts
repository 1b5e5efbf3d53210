import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { say } from '../../src/cli/terminal.ts'
import { bundle, DURABLE_OBJECTS } from '../../src/cli/workerd.ts'
import { createIssuer } from '../support/gate-client.ts'
import { type Findings, ratio } from './report.ts'
import { type Measured, type Result, rangesOf, refusalsOf, run } from './scenarios.ts'
import { BARE } from './scripts.ts'
import { medianInterval } from './statistics.ts'
import { row } from './table.ts'
import { type BenchWorker, OBJECTS, PATIENT, type Settings, seed, startWorker } from './workers.ts'

/** How often the workers are started anew: two processes of one program differ by some percent for as long as they run. */
const STARTS = 6
const [NOW, BEFORE] = ['now', 'before'] as const

/**
 * Compares today's worker with that of an earlier commit, interleaved: a warm permitted range of 64 KiB, which the bare
 * one is asked for too, and refusals that are recorded. Both gates have today's packages, so that only our own code differs.
 *
 * @param commit anything that git knows as one
 * @param rounds after each of six starts; from one on there is an interval
 */
export async function benchAgainst(folder: string, commit: string, rounds: number): Promise<Findings> {
  const issuer = await createIssuer()
  const seeded = join(folder, 'against')
  await seed(seeded, issuer, [OBJECTS.seekable, OBJECTS.foreign])
  const token = await issuer.token(PATIENT, { exp: Math.floor(Date.now() / 1000) + 3600 }, { typ: 'JWT' })
  const gateOf = (script: string): Settings => ({
    // Only what every version knows and needs; so no key for tickets either.
    bindings: {
      ISSUERS: JSON.stringify([
        { issuer: issuer.issuer, audience: issuer.audience, algorithms: ['ES256'], jwks: issuer.jwks },
      ]),
      PSEUDONYM_KEY: 'only for the bench: no secret protects these people',
    },
    // An earlier version has fewer classes.
    durableObjects: Object.fromEntries(
      Object.entries(DURABLE_OBJECTS).filter(([, { className }]) => script.includes(className)),
    ),
  })
  const [before, now] = [await bundle(entryAt(commit, folder)), await bundle()]
  const scripts: readonly (readonly [string, string, Settings])[] = [
    ['bare', BARE, {}],
    [BEFORE, before, gateOf(before)],
    [NOW, now, gateOf(now)],
  ]
  const measured: Measured[] = []
  const refused: Measured[] = []
  for (let start = 0; start < STARTS; start++) {
    say(`starting the workers, ${start + 1} of ${STARTS} …`)
    const workers: BenchWorker[] = []
    try {
      for (const [name, script, settings] of scripts) {
        const data = join(folder, `against-${start}-${name}`)
        cpSync(seeded, data, { recursive: true })
        workers.push(await startWorker(name, script, data, settings))
      }
      const scenario = rangesOf(workers, token)
      measured.push(await run({ ...scenario, name: `${scenario.name} against ${commit}`, rounds }))
      const refusals = refusalsOf(workers.slice(1), token)
      refused.push(await run({ ...refusals, name: `${refusals.name} against ${commit}`, rounds: 2 }))
    } finally {
      for (const { stop } of workers) await stop()
    }
  }
  return findings(together(measured), together(refused), commit)
}

function findings(measured: Measured, refused: Measured, commit: string): Findings {
  const ranges = `64 KiB ranges, against ${commit}`
  const cpu = ratio(`${ranges}: CPU per request`, measured, [NOW, BEFORE], 'cpu')
  const [low, high] = medianInterval(cpu.values)
  return {
    measured: [measured, refused],
    others: [
      row(`${ranges}: CPU, 95 % interval of the median, from`, low, 'x'),
      row(`${ranges}: CPU, 95 % interval of the median, to`, high, 'x', { is: '<=', limit: 1.05 }),
    ],
    ratios: [
      cpu,
      ratio(`${ranges}: rate`, measured, [NOW, BEFORE], 'rate'),
      ratio(`not_owner, against ${commit}: rate`, refused, [NOW, BEFORE], 'rate', { is: '>=', limit: 1 }),
      ratio(`${ranges}: CPU per request now, of bare`, measured, [NOW, 'bare'], 'cpu'),
      ratio(`${ranges}: CPU per request before, of bare`, measured, [BEFORE, 'bare'], 'cpu'),
    ],
  }
}

/** The rounds of all starts as those of one. */
function together(measured: readonly Measured[]): Measured {
  const [first] = measured
  if (first === undefined) throw new Error('nothing was measured')
  const results = first.results.map((result, index): Result => {
    return { ...result, rounds: measured.flatMap(({ results }) => results[index]?.rounds ?? []) }
  })
  return { ...first, results }
}

/** Unpacks the sources of a commit, with today's packages beside them. Returns the path of its worker. */
function entryAt(commit: string, folder: string): string {
  const unpacked = join(folder, 'before')
  mkdirSync(unpacked)
  const archive = execFileSync('git', ['archive', '--format=tar', commit, 'src'], { maxBuffer: 2 ** 28 })
  execFileSync('tar', ['-x', '-C', unpacked], { input: archive })
  symlinkSync(resolve('node_modules'), join(unpacked, 'node_modules'))
  return join(unpacked, 'src/runtime/cloudflare/worker.ts')
}
