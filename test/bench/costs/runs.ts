import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { say } from '../../../src/cli/terminal.ts'
import type { TestIssuer } from '../../support/gate-client.ts'
import { hlsSegment } from '../hls.ts'
import { type BenchObject, OBJECTS, PATIENT } from '../workers.ts'
import type { Counts, Meter } from './meter.ts'

/** What is asked for, so that each request makes a record. */
export type Asking = 'token_missing' | 'not_owner' | 'ticket' | 'view'

/** What some requests of one sort came to. */
export interface Run {
  readonly requests: number
  readonly counts: Counts
}

/** A recording of each of so many patients. So no two records in a block of the index have a person or a recording in common. */
export const VISITS: readonly BenchObject[] = Array.from({ length: 64 }, (_, i) => ({
  ...{ path: `/recordings/visit-${i}`, size: 1024, owner: `patient-${100 + i}` },
}))

let networks = 0

/** Comes from another network than all before, so that no two requests share a record. */
function fromNewNetwork(): Record<string, string> {
  networks += 1
  return { 'CF-Connecting-IP': `${1 + (networks >> 16)}.${(networks >> 8) & 255}.${networks & 255}.1` }
}

/** Makes so many requests of one sort, evenly spread over time, and waits until all that follows from them is done. */
export async function askEvenly(
  meter: Meter,
  issuer: TestIssuer,
  { asking, requests, rate }: { readonly asking: Asking; readonly requests: number; readonly rate: number },
): Promise<Run> {
  say(`${requests} times ${asking}, ${rate} a second …`)
  const logins = await Promise.all(
    VISITS.map(async ({ owner }) => ({
      Authorization: `Bearer ${await issuer.token(owner)}`,
      'Mediaward-App-Release': '4.12.0',
    })),
  )
  const [suffix, init, status] = {
    token_missing: ['', {}, 401] as const,
    not_owner: ['', {}, 404] as const,
    ticket: ['/ticket', { method: 'POST' }, 201] as const,
    view: ['', { headers: { Range: 'bytes=0-0' } }, 206] as const,
  }[asking]
  const began = performance.now()
  await meter.next()
  const answers: Promise<void>[] = []
  for (let i = 0; i < requests; i++) {
    await sleep(Math.max(0, began + (i * 1000) / rate - performance.now()))
    const one = async () => {
      const visit = VISITS[i % VISITS.length]
      // The next patient is not the owner.
      const login = logins[(i + (asking === 'not_owner' ? 1 : 0)) % logins.length]
      const response = await meter.ask(`${visit?.path}${suffix}`, {
        ...init,
        headers: {
          ...fromNewNetwork(),
          ...(asking !== 'token_missing' && login),
          ...('headers' in init && init.headers),
        },
      })
      await response.arrayBuffer()
      if (response.status !== status) throw new Error(`${asking} answered ${response.status}`)
    }
    answers.push(one())
  }
  await Promise.all(answers)
  return { requests, counts: await meter.settled() }
}

/** What watching came to: its beginning, and each five minutes of it. */
export interface Watched {
  readonly beginning: Counts
  readonly fiveMinutes: Counts
}

/** What a player does again and again, and how often, in milliseconds. */
export interface Player {
  readonly every: number
  readonly paths: readonly string[]
  readonly range?: string
}

/** Segments of six seconds, and the playlist before each of them. */
export const HLS: Player = { every: 6_000, paths: ['/recordings/visit/index.m3u8', hlsSegment(PATIENT).path] }
/** A range of a file, of what ten seconds of video at 0.8 Mbit/s take. */
export const MP4: Player = { every: 10_000, paths: [OBJECTS.seekable.path], range: 'bytes=0-1048575' }

const BEGINNING = 30_000
const STEADY = 300_000

/** Watches as one player does, for five and a half minutes: the first half minute is the beginning. */
export async function watch(meter: Meter, issuer: TestIssuer, player: Player): Promise<Watched> {
  const headers = {
    ...(await issuer.bearer(PATIENT)),
    ...fromNewNetwork(),
    ...(player.range !== undefined && { Range: player.range }),
  }
  await meter.next()
  const began = performance.now()
  const play = async (until: number) => {
    for (; performance.now() - began < until; await sleep(player.every)) {
      for (const path of player.paths) {
        const response = await meter.ask(path, { headers })
        if (!response.ok) throw new Error(`${path} answered ${response.status}`)
        await response.arrayBuffer()
      }
    }
  }
  await play(BEGINNING)
  const beginning = await meter.next()
  await play(BEGINNING + STEADY)
  return { beginning, fiveMinutes: await meter.next() }
}

/** What is stored of all records. */
export interface Stored {
  readonly records: number
  /** Bytes of the database of the log, for each record. */
  readonly live: number
  /** Bytes of a compressed line in the archive. */
  readonly archived: number
  /** What it came to to prune all of them, and to forget the ids of sums. */
  readonly pruning: Counts
}

/** Reads what all records take, and then prunes them. */
export async function prune(meter: Meter, issuer: TestIssuer): Promise<Stored> {
  const headers = await issuer.bearer('analyst-1', { roles: ['security'] })
  const newest = await meter.ask('/console/api/records?limit=1000&order=newest', { headers })
  const records = Number(newest.headers.get('mediaward-end'))
  const lines = (await newest.text()).trim()
  await meter.next()
  const { size } = (await (await meter.ask('/metered/clear')).json()) as { size: number }
  return {
    records,
    live: size / records,
    archived: gzipSync(lines).length / lines.split('\n').length,
    pruning: await meter.next(),
  }
}
