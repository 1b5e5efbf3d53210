import type { ReadEntry } from '../../src/ledger/ledger.ts'

// Records of findings, as the log writes them.

/** The id of the finding that the records are about. */
export const FINDING = '0197f2c4-8a10-7cc3-9a3e-2b1c5d7e9f01'
/** The pseudonym of a patient. */
export const PATIENT = 'psn_eea495002a0036fc283487916888056a'

/** A record of a finding; `members` win, and `undefined` takes one away. `n` makes it another record. */
export function findingRecord(members: object, n = 0): ReadEntry {
  const id = `0197f2c4-8a10-7cc3-9a3e-2b1c5d7ea00${n}`
  return read(id, {
    ...{ kind: 'finding', action: 'opened', finding: FINDING, rule: 'RG-001', version: 1, count: 3 },
    ...{ severity: 'critical', group: { subject: PATIENT, release: '4.12.0' } },
    evidence: ['0197f2c4-8a10-7cc3-9a3e-2b1c5d7eb001'],
    ...members,
  })
}

/** A record that tests a receiver. */
export const testRecord = (): ReadEntry =>
  read('0197f2c4-8a10-7cc3-9a3e-2b1c5d7ec001', { kind: 'test', decision: 'permit' })

const read = (id: string, members: object): ReadEntry => ({
  index: 7,
  id,
  json: JSON.stringify({
    ...{ v: 1, id, t: '2026-11-22T10:24:03.000Z', tenant: 'default' },
    gate: { version: '0.7.0', isolate: 'log', seq: 1 },
    ...members,
  }),
})
