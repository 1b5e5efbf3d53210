/** Keeps work alive after the response has been returned, as `ExecutionContext.waitUntil` does. */
export type WaitUntil = (work: Promise<unknown>) => void

/** Work took longer than it was given. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut'

  constructor(milliseconds: number) {
    super(`took over ${milliseconds} ms`)
  }
}

/**
 * Waits for work, but no longer than the given time. The work itself goes on.
 *
 * @throws TimedOut if the time runs out first; otherwise whatever the work rejects with
 */
export async function withTimeout<Value>(milliseconds: number, work: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(milliseconds)), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    if (timer !== undefined) clearTimeout(timer)
  }
}

/** A wait that can be ended early. */
export interface Wait {
  /** Resolves when the time is over, or when the wait is ended. */
  readonly over: Promise<void>
  /** Ends the wait. A timer that is left running keeps a process from ending. */
  end(): void
}

/** Begins a wait of so many milliseconds. */
export function beginWait(milliseconds: number): Wait {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, milliseconds)
  return {
    over: promise,
    end() {
      clearTimeout(timer)
      resolve()
    },
  }
}
