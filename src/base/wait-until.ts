/** Keeps work alive past the answer, as `ExecutionContext.waitUntil` does. */
export type WaitUntil = (work: Promise<unknown>) => void
