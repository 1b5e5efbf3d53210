import { createPseudonyms, type PseudonymKeys } from '../../ledger/pseudonym.ts'
import type { Clinic, ListedPatient } from '../../page/clinic.ts'
import { JOINED, titleOf } from '../../watch/in-force.ts'
import { RULES } from '../../watch/rules/rules.ts'
import { readDemoRecordings } from '../demo-recordings.ts'

/** The patients on the page. The bug of 2020 puts recordings of others into the list of the first one. */
const PATIENTS = ['patient-007', 'patient-001'] as const

/** Who reads the log for the page. */
export const ANALYST = 'analyst'

/** The release of the app on the page: that of the drill, too. */
const RELEASE = '4.12.0'

/** How many recordings of other patients the bug adds: about as many as one patient was shown in 2020. */
const FOREIGN = 50

/** The people that the page needs tokens of, each with their roles. */
export const PEOPLE: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...PATIENTS.map(patient => [patient, []] as const),
  [ANALYST, ['security']],
])

/** What the page knows of the gate, and of the log's key. */
export interface ClinicSettings extends Pick<Clinic, 'gate' | 'path'> {
  readonly pseudonymKey: PseudonymKeys
  /** The issuer of the patients. */
  readonly issuer: string
}

/** Describes the demo clinic as its page shows it. */
export async function describeClinic({ gate, path, pseudonymKey, issuer }: ClinicSettings): Promise<Clinic> {
  const recordings = await readDemoRecordings()
  // A recording of many parts is a playlist, which not every browser plays by itself.
  const files = recordings.filter(({ media }) => media.includes('.')).map(({ id, owner }) => ({ id, owner }))
  const patient = (id: string): ListedPatient => ({
    id,
    recordings: files.filter(({ owner }) => owner === id),
  })
  const pseudonyms = createPseudonyms(pseudonymKey)
  const people = [...new Set(files.map(({ owner }) => owner))]
  const names = people.map(async person =>
    (await pseudonyms('subject', issuer, person)).map(pseudonym => [pseudonym, person] as const),
  )
  return {
    ...{ gate, path, release: RELEASE },
    rules: Object.fromEntries(
      [...RULES.map(({ id }) => id), ...Object.keys(JOINED)].map(id => [id, titleOf(id)]),
    ),
    patients: [patient(PATIENTS[0]), patient(PATIENTS[1])],
    foreign: files.filter(({ owner }) => owner !== PATIENTS[0]).slice(0, FOREIGN),
    names: Object.fromEntries((await Promise.all(names)).flat()),
  }
}
