import { StorageFault } from '../../../base/storage-fault.ts'

/** R2 failed. Of its message only the code at the end is taken over: the rest may name a key. */
export class R2Failure extends StorageFault {
  /** R2's code, such as `10001` for an internal error. Empty if it gave none. */
  readonly code: string

  constructor(error: unknown) {
    const code = (error instanceof Error && /\((\d{5})\)$/.exec(error.message)?.[1]) || ''
    super(code === '' ? 'R2 failed' : `R2 failed (${code})`)
    this.code = code
  }
}

/** Throws a {@link R2Failure} in place of an error of R2. */
export function r2Failed(error: unknown): never {
  throw new R2Failure(error)
}
