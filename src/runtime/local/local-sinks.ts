import process from 'node:process'
// Those of Deno itself have no `unref` in 2.5.
import { setTimeout } from 'node:timers'
import type { AlertEntry } from '../../alerts/alert.ts'
import { followedAlert } from '../../alerts/receiver.ts'
import type { Archiver } from '../../archive/archiver.ts'
import type { Control } from '../../control/control.ts'
import { followLedger } from '../../follow/followed-log.ts'
import { type FollowerClock, Followers } from '../../follow/followers.ts'
import { WakeTimer } from '../../follow/wake-timer.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { followedResponse } from '../../respond/receiver.ts'
import { createFilesTarget } from '../../sinks/files.ts'
import { deploymentAt, followedSink, type SinkPlatform } from '../../sinks/receiver.ts'
import type { SinkEntry } from '../../sinks/sink.ts'
import { type SinkServices, Sinks } from '../../sinks/sinks.ts'
import type { FindingControl } from '../../watch/finding-control.ts'
import type { RespondedRule } from '../../watch/findings/clear.ts'
import { titleOf } from '../../watch/in-force.ts'
import type { LogWork } from '../postgres/elected-log.ts'
import { createSinkFetch } from './sink-fetch.ts'
import { createFileStore } from './sink-files.ts'
import { createSyslogTarget } from './syslog.ts'

/** The log of a process, and what is known of its deployment. */
export interface LocalSinkOptions extends Pick<SinkServices, 'states'> {
  readonly ledger: Pick<Ledger, 'read'>
  /** The folder of the process: files of records are below `records` in it. */
  readonly data: string
  readonly publicUrl?: string | undefined
  readonly control: Control
  readonly findings: FindingControl | undefined
}

/** Who is sent records and alerts, and which findings are responded to. */
export interface ReceiverEntries {
  readonly sinks?: readonly SinkEntry[] | undefined
  readonly alerts?: readonly AlertEntry[] | undefined
  readonly respond?: readonly RespondedRule[] | undefined
}

/** Starts the sinks of the log in this process, the receivers of alerts, and the automatic response. */
export function startSinks(
  { sinks: entries = [], alerts = [], respond = [] }: ReceiverEntries,
  { ledger, states, data, publicUrl, control, findings }: LocalSinkOptions,
): Sinks {
  const platform: SinkPlatform = {
    deployment: deploymentAt(publicUrl, process.versions.deno === undefined ? 'Node' : 'Deno'),
    fetchFor: ({ allow_internal = false }) => createSinkFetch(allow_internal),
    now: () => Date.now(),
    targets: {
      syslog: createSyslogTarget,
      files: sink => createFilesTarget(sink, createFileStore(sink, data)),
    },
  }
  const clock = createClock(() => void sinks.wake())
  const sinks = new Sinks(
    [
      ...entries.map(entry => followedSink(entry, platform)),
      ...alerts.map(entry => followedAlert(entry, { ...platform, titleOf, publicUrl })),
      ...(findings === undefined || respond.length === 0
        ? []
        : [followedResponse(respond, { control, findings, now: platform.now })]),
    ],
    { log: followLedger(ledger), states, clock },
  )
  void sinks.wake()
  return sinks
}

/** Starts to archive and prune the log in this process. */
export function startArchive(archiver: Archiver): Followers {
  const followers = new Followers(
    [archiver],
    createClock(() => void followers.wake()),
  )
  void followers.wake()
  return followers
}

/** Archives and prunes the log of a fleet while this process is the log. */
export function archiveAsLog(archiver: Archiver): LogWork {
  let followers: Followers | undefined
  return {
    begin() {
      followers = startArchive(archiver)
    },
    wake: () => void followers?.wake(),
    end: () => followers?.close(),
  }
}

function createClock(wake: () => void): FollowerClock {
  // A timer is no reason for a process to stay.
  const timer = new WakeTimer((callback, milliseconds) => setTimeout(callback, milliseconds).unref(), wake)
  return { now: () => Date.now(), wakeAt: time => timer.set(time, Date.now()) }
}
