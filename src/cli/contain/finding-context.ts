import { parseEvent } from '../../ledger/query/terms.ts'
import { parseGateUrl, tokenFor } from '../client.ts'
import { member, stringMember } from '../json.ts'
import { LogReader } from '../log/log-reader.ts'
import { messageOf } from '../terminal.ts'
import { type CalledGate, callConsole } from './console-call.ts'

/** Most related findings that are read. */
const MAX_RELATED = 32
/** How long before the first record of a finding a release may have been marked, in milliseconds. */
const BEFORE = 30 * 24 * 3_600_000
/** How many pages of marks are read. */
const MAX_PAGES = 5

/** When a release was marked as out. */
export interface Mark {
  readonly release: string
  /** In milliseconds since 1970. */
  readonly at: number
}

/** What belongs to a finding besides itself. */
export interface FindingContext {
  /** The findings that it joins, as the gate shows them. One that can't be shown has its id alone. */
  readonly related: readonly unknown[]
  /** The lockdowns in force that were added for it; or why they are not known. */
  readonly lockdowns: readonly unknown[] | string
  /** When each of its releases was marked: the last time before its first record, or else the first time after. */
  readonly releases: readonly Mark[]
}

/** Reads what belongs to a finding. */
export async function readContext(gate: CalledGate, finding: unknown): Promise<FindingContext> {
  return {
    related: await relatedOf(gate, finding),
    // Whether the control answers or not: what was found must be shown all the same.
    lockdowns: await lockdownsOf(gate, stringMember(finding, 'id')).catch(messageOf),
    releases: await marksOf(gate, finding),
  }
}

/** What `--json` has of it. What is not known is null. */
export function jsonOf({ related, lockdowns, releases }: FindingContext): object {
  return {
    related_findings: related,
    lockdowns: typeof lockdowns === 'string' ? null : lockdowns,
    releases_marked: releases.map(({ release, at }) => ({ release, at: new Date(at).toISOString() })),
  }
}

async function relatedOf(gate: CalledGate, finding: unknown): Promise<readonly unknown[]> {
  const ids = listOf(finding, 'related')
  const all: unknown[] = []
  for (const [index, id] of ids.entries()) {
    const path = `/console/api/findings/show?id=${encodeURIComponent(`${id}`)}`
    const shown = index < MAX_RELATED ? await callConsole(gate, path).catch(() => undefined) : undefined
    all.push(member(shown, 'finding') ?? { id })
  }
  return all
}

async function lockdownsOf(gate: CalledGate, id: string | undefined): Promise<readonly unknown[]> {
  const all = listOf(await callConsole(gate, '/console/api/lockdowns'), 'lockdowns')
  return all.filter(one => id !== undefined && member(one, 'finding') === id)
}

async function marksOf(gate: CalledGate, finding: unknown): Promise<readonly Mark[]> {
  const first = Number(member(finding, 'first_seen') ?? 0)
  const releases = new Set([
    member(member(finding, 'group'), 'release'),
    ...listOf(member(finding, 'about'), 'releases'),
  ])
  const names = [...releases].filter(one => typeof one === 'string')
  if (names.length === 0) return []
  const reader = new LogReader({
    gate: parseGateUrl(gate.url),
    token: () => tokenFor(gate.token, gate.data, 'security'),
    filters: { kind: 'release' },
    follow: false,
  })
  const since = new Date(Math.max(first - BEFORE, 0)).toISOString()
  const marks = new Map<unknown, number[]>()
  let pages = 0
  for await (const lines of reader.pages({ filters: {}, newest: false, since })) {
    for (const { release, t } of lines.map(parseEvent)) {
      const at = Date.parse(`${t}`)
      if (Number.isFinite(at)) marks.set(release, [...(marks.get(release) ?? []), at])
    }
    pages += 1
    if (pages >= MAX_PAGES) break
  }
  return names.flatMap(release => {
    const times = (marks.get(release) ?? []).toSorted((a, b) => a - b)
    const at = times.findLast(time => time <= first) ?? times[0]
    return at === undefined ? [] : [{ release, at }]
  })
}

function listOf(value: unknown, name: string): readonly unknown[] {
  const list = member(value, name)
  return Array.isArray(list) ? (list as readonly unknown[]) : []
}
