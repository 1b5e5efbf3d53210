import type { TrustedIssuers } from '../authenticate/trusted-issuers.ts'
import type { Control } from '../control/control.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Owners } from '../recordings/owner-source.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'
import type { SinkControl } from '../sinks/control.ts'
import type { FindingControl } from '../watch/finding-control.ts'
import { attempt, Failure } from './failure.ts'
import { type Finding, notChecked, runChecks } from './finding.ts'
import { ISSUER_CHECKS } from './issuer-checks.ts'
import { KEY_CHECKS } from './key-checks.ts'
import { probeKeys } from './key-probes.ts'
import { NETWORK_CHECKS, type NetworkFacts } from './network-checks.ts'
import { RULE_CHECKS } from './rule-checks.ts'
import type { Settings } from './settings.ts'
import { SETTINGS_CHECKS } from './settings-checks.ts'
import { SINK_CHECKS } from './sink-checks.ts'
import { RECORD_CHECKS, STORAGE_CHECKS } from './storage-checks.ts'
import {
  findRecord,
  probeControl,
  probeLedger,
  probeOwners,
  probeSpool,
  probeStore,
} from './storage-probes.ts'

/** What an examination looks at. */
export interface ExaminedServices {
  readonly settings: Settings
  readonly issuers: TrustedIssuers
  readonly store: RecordingStore
  readonly owners: Owners
  readonly ledger: Ledger
  readonly control: Control
  /** Undefined if the log has no sinks. */
  readonly sinkControl: SinkControl | undefined
  /** Undefined if no rules watch the log. */
  readonly findingControl: FindingControl | undefined
  /** Examines the machine that the gate runs on. Undefined on Workers. */
  readonly inspect: (() => Promise<readonly Finding[]>) | undefined
  readonly now: () => number
}

/** What an examination is asked for. */
export interface ExaminationRequest extends Pick<NetworkFacts, 'network'> {
  /** Whether the object that is written stays, so that the caller can see whether anything else serves it. */
  readonly keepObject: boolean
  /** Whether the caller may know of all tenants. */
  readonly isWhole: boolean
}

/** Examines a gate: all but the record of the examination itself. */
export async function examine(
  services: ExaminedServices,
  { network, keepObject, isWhole }: ExaminationRequest,
): Promise<readonly Finding[]> {
  const { settings, issuers, store, owners, ledger, control, sinkControl, inspect, now } = services
  const isWatched = services.findingControl !== undefined
  const [keys, stored, invents, read, lag, known, sinks, machine] = await Promise.all([
    probeKeys(issuers.entries, now),
    probeStore(store, keepObject),
    owners.areStamped ? undefined : probeOwners(owners),
    probeLedger(ledger, now),
    ledger.archiveLag && attempt(ledger.archiveLag),
    probeControl(control, now),
    sinkControl && attempt(() => sinkControl.list()),
    inspect === undefined ? [] : runInspection(inspect),
  ])
  const { clock } = keys
  // The server that answers first may be another tenant's.
  const shown =
    isWhole || clock === undefined ? keys : { ...keys, clock: { ...clock, server: 'a key server' } }
  return [
    ...runChecks('settings', SETTINGS_CHECKS, settings),
    ...runChecks('settings', RULE_CHECKS, { rules: settings.rules, isWatched }),
    ...runChecks('issuers', ISSUER_CHECKS, settings),
    ...runChecks('keys', KEY_CHECKS, shown),
    ...runChecks('storage', STORAGE_CHECKS, { store: stored, invents, read, lag, control: known }),
    ...runChecks('sinks', SINK_CHECKS, { sinks, isWatched }),
    ...machine,
    ...runChecks('machine', NETWORK_CHECKS, { network, publicUrl: settings.publicUrl }),
  ]
}

/** Examines the machine that a gate runs on. Never rejects. */
export async function runInspection(inspect: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  const found = await attempt(inspect)
  if (!(found instanceof Failure)) return found
  const runtime = () => notChecked(`the machine can't be looked at: ${found.why}`)
  return runChecks('machine', { runtime }, {})
}

/**
 * Examines what became of a record.
 *
 * @param id of the record
 */
export async function examineRecord(
  { ledger, now }: Pick<ExaminedServices, 'ledger' | 'now'>,
  id: string,
): Promise<readonly Finding[]> {
  const found = await findRecord(ledger, id)
  const entry = found instanceof Failure ? undefined : found
  return runChecks('storage', RECORD_CHECKS, {
    isRecorded: found instanceof Failure ? found : found !== undefined,
    spool: ledger.spool && (await probeSpool(ledger.spool, entry)),
    now: now(),
  })
}
