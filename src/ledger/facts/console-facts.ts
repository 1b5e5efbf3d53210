import type { Reason } from '../../reason.ts'

// What analysts do at the console: the watchers are watched.

/**
 * An analyst asked what the gate would answer to a token. `subject` is the analyst, `recording` and `owner` are those that
 * it was about.
 */
export interface ExplainFacts {
  readonly kind: 'console'
  readonly decision: 'permit'
  readonly action: 'explain'
  /** What the gate would answer. */
  readonly explained: {
    readonly decision: 'permit' | 'deny'
    readonly status: number
    readonly reason?: Reason
    /** The issuer's entry that the token was compared with. */
    readonly entry?: string
    readonly claim?: string
  }
  /** Pseudonym of the subject of the token, if its signature was good. */
  readonly about?: string
}

/** An analyst had the gate examine itself. `subject` is the analyst. */
export interface DoctorFacts {
  readonly kind: 'console'
  readonly decision: 'permit'
  readonly action: 'doctor'
  /** How many findings had which state, before the ledger was given this record. */
  readonly findings: Readonly<Record<'ok' | 'warning' | 'failed' | 'not_checked', number>>
}

/** An analyst looked at the log. `subject` is the analyst. */
export interface LookFacts {
  readonly kind: 'console'
  readonly decision: 'permit'
  /** Read a page or several, counted, began to follow what is recorded, or read the metrics or findings. */
  readonly action: 'read' | 'count' | 'follow' | 'metrics' | 'findings'
  /** What was asked for. Each member narrows it. */
  readonly query: {
    readonly kind?: string
    /** A pseudonym, or all of a person whose pseudonym changed with the key. */
    readonly subject?: string | readonly string[]
    readonly owner?: string | readonly string[]
    readonly recording?: string
    readonly reason?: string
    readonly release?: string
    readonly tenant?: string
    readonly since?: string
    readonly until?: string
  }
  /**
   * How many counts, or findings, this answer has. Of `read` and `follow`: how many records of the log the analyst was shown that no
   * earlier record of a look counts, whatever was asked for, those of this answer included. Absent for `metrics`, and for a stream that
   * begins if there are none.
   */
  readonly rows?: number
}

/** An analyst listed the sinks of the log, tested one, or had one send records again. `subject` is the analyst. */
export interface SinkFacts {
  readonly kind: 'console'
  readonly decision: 'permit'
  readonly action: 'sinks' | 'sink_test' | 'sink_replay'
  /** The name of the sink. Absent for `sinks`. */
  readonly sink?: string
  /** Of `sink_replay`: the index or the time from which it sends again, and whether it sends its dead letters again. */
  readonly replay?: { readonly from?: number | string; readonly dead?: boolean }
}
