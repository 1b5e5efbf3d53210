import { expect } from 'vitest'
import type { Ledger, ReadEntry } from '../../src/ledger/ledger.ts'
import type { Finding } from '../../src/watch/finding.ts'
import type { FindingControl } from '../../src/watch/finding-control.ts'

/** A log that rules watch. */
export interface WatchedWhole {
  readonly ledger: Ledger
  readonly findings: FindingControl
}

async function readAll(ledger: Ledger): Promise<readonly ReadEntry[]> {
  const all: ReadEntry[] = []
  for (let after = '0', more = true; more; ) {
    const page = await ledger.read({ limit: 1000, after })
    all.push(...page.entries)
    ;({ more, cursor: after } = page)
  }
  return all
}

async function listAll(findings: FindingControl): Promise<readonly Finding[]> {
  const { findings: all, cursor } = await findings.list({ state: 'all', limit: 500 })
  expect(cursor).toBeUndefined()
  return all
}

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)

/**
 * Checks that the fake rules have found all that they had to find in the records of `watching-process.ts`, each once, and that each
 * finding has its records. Returns how many records it found something in.
 */
export async function expectWatched({ ledger, findings }: WatchedWhole): Promise<number> {
  const records = (await readAll(ledger)).map(({ json }) => JSON.parse(json))
  const all = await listAll(findings)
  const countOf = (rule: string, by: 'subject' | 'network', value: string) =>
    sumOf(all.filter(one => one.rule === rule && one.group[by] === value).map(({ count }) => count))
  const found: Record<string, number> = {}
  const expected: Record<string, number> = {}
  for (const [subject, own] of Map.groupBy(records, record => record.subject)) {
    const reasons = own.map(({ reason }) => reason)
    const foreign = reasons.filter(reason => reason === 'not_owner').length
    const unknown = reasons.filter(reason => reason === 'recording_unknown').length
    found[`RG-001 ${subject}`] = countOf('RG-001', 'subject', subject)
    expected[`RG-001 ${subject}`] = foreign
    found[`RG-016 ${subject}`] = countOf('RG-016', 'subject', subject)
    // From the third on.
    expected[`RG-016 ${subject}`] = Math.max(0, unknown - 2)
  }
  const signatures = records.filter(({ reason }) => reason === 'token_signature')
  for (const [network, own] of Map.groupBy(signatures, ({ net }) => net.prefix)) {
    found[`RG-007 ${network}`] = countOf('RG-007', 'network', network)
    expected[`RG-007 ${network}`] = Math.max(0, own.length - 2)
  }
  expect(found).toEqual(expected)
  const own = records.filter(({ kind }) => kind === 'finding')
  expect(own.map(({ gate }) => gate.seq).sort((a, b) => a - b)).toEqual(own.map((_, i) => i + 1))
  const opened = own.filter(({ action }) => action === 'opened').map(({ finding }) => finding)
  expect(opened.sort()).toEqual(all.map(({ id }) => id).sort())
  return sumOf(Object.values(expected))
}
