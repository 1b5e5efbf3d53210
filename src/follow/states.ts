/** What a follower remembers. It is stored as JSON. */
export interface FollowerState {
  /** Index of the first record that is not handed over yet. */
  readonly index: number
  /** How often handing over has failed since it last went well. */
  readonly failures: number
  /** Before this time nothing is tried, in milliseconds since 1970. */
  readonly retryAt?: number
  /** When records or a test were last handed over, in milliseconds since 1970. */
  readonly lastSuccess?: number
  /** What went wrong last, and when: with records or with a test. The message contains no secret. */
  readonly lastError?: { readonly at: number; readonly message: string }
}

/** A record that the receiver refused again and again, while it took others. */
export interface DeadLetter {
  readonly index: number
  readonly id: string
  /** Why it was refused, without a secret. */
  readonly reason: string
  /** When it was given up, in milliseconds since 1970. */
  readonly time: number
}

/**
 * Port: where followers keep what they remember, beside the log that they follow.
 *
 * `save` resolves when state and dead letters are durable, both or neither. A dead letter takes the place of an earlier one
 * of the same record. `deadLetters` lists them by rising index, at most `limit`. `bury` forgets dead letters, and ignores
 * indexes that have none.
 */
export interface FollowerStates {
  load(name: string): Promise<FollowerState | undefined>
  save(name: string, state: FollowerState, dead?: readonly DeadLetter[]): Promise<void>
  deadLetters(name: string, limit: number): Promise<readonly DeadLetter[]>
  countDeadLetters(name: string): Promise<number>
  bury(name: string, indexes: readonly number[]): Promise<void>
}

/** Creates states in memory, for tests and for a log in memory. */
export function createMemoryStates(): FollowerStates {
  const states = new Map<string, FollowerState>()
  const letters = new Map<string, Map<number, DeadLetter>>()
  const lettersOf = (name: string) => letters.get(name) ?? new Map<number, DeadLetter>()
  return {
    load: async name => states.get(name),
    async save(name, state, dead = []) {
      states.set(name, state)
      letters.set(name, new Map([...lettersOf(name), ...dead.map(letter => [letter.index, letter] as const)]))
    },
    deadLetters: async (name, limit) =>
      [...lettersOf(name).values()].sort((a, b) => a.index - b.index).slice(0, limit),
    countDeadLetters: async name => lettersOf(name).size,
    async bury(name, indexes) {
      for (const index of indexes) lettersOf(name).delete(index)
    },
  }
}
