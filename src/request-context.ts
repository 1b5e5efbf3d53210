import type { Subject } from './authorize/subject.ts'
import type { CallerNetwork } from './base/network.ts'
import type { Binding, ObjectRef } from './recordings/recording.ts'

/** What a call asks about, before an app shows a list: bounded, and nothing in it but ids. */
export interface AskedAbout {
  /** How many questions it holds. */
  readonly questions: number
  readonly subjects: readonly { readonly id: string; readonly issuer: string }[]
  readonly recordings: readonly string[]
}

/** What came to light about a request so far. Stages add to it as the request goes through. */
export interface RequestContext {
  /** When the request came, in milliseconds since 1970. */
  readonly at: number
  /** The time now. A caller can hold its body back, and so choose how much later than `at` that is. */
  readonly now: () => number
  readonly request: Request
  /** Where it came from. Found out at the first call, and not again. */
  readonly network: () => CallerNetwork
  ref?: ObjectRef
  subject?: Subject
  /** Id of the ticket that it came with. */
  ticket?: string
  /** Of the recording asked for, where there is one. */
  binding?: Binding
  /** Of a call that asks what may be played: absent from the record of its answer, which names each by itself. */
  asked?: AskedAbout
}
