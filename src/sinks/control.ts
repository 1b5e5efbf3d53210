import type { DeliveryFailure } from '../follow/delivery.ts'
import type { FollowerStatus } from '../follow/follower.ts'
import type { DeadLetter } from '../follow/states.ts'

/** A sink, and how far it is. */
export interface SinkStatus extends FollowerStatus {
  readonly name: string
  /** Its type, or that of a system that is alerted. */
  readonly type: string
  /** The dead letters with the lowest indexes. */
  readonly dead: readonly DeadLetter[]
}

/** What became of a test record. */
export interface SinkTest {
  readonly taken: boolean
  /** What the sink answered instead, for the operator. */
  readonly failure?: DeliveryFailure['message']
}

/** What a sink is to send again. */
export interface SinkReplay {
  /** From this index on, or from the first record that was made at this time (ISO 8601, UTC) or later. */
  readonly from?: number | string
  /** Its dead letters. */
  readonly dead?: boolean
}

/** What is sent again. */
export interface SinkReplayed {
  /** Index of the first record. */
  readonly from?: number
  /** How many dead letters. */
  readonly dead?: number
}

/**
 * Port: the sinks of a gate, for its operators.
 *
 * `test` sends a record that is marked as a test, and `replay` has a sink go back. Both resolve to undefined if there is no sink
 * of that name.
 */
export interface SinkControl {
  list(): Promise<readonly SinkStatus[]>
  test(name: string): Promise<SinkTest | undefined>
  replay(name: string, replay: SinkReplay): Promise<SinkReplayed | undefined>
}
