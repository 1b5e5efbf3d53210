import type { FindingControl } from '../finding-control.ts'

/** A call of the port, for those who reach the log by messages only. */
export interface FindingCall {
  readonly call: keyof FindingControl
  readonly args: readonly unknown[]
}

/** Its methods. */
const METHODS: readonly (keyof FindingControl)[] = [
  ...(['list', 'show', 'act', 'suppressions', 'suppress', 'endSuppression', 'eraseText'] as const),
  ...(['canaries', 'addCanaries'] as const),
]

type Method = (...args: readonly unknown[]) => Promise<unknown>

/** Answers a call, in the process or object that has the log. */
export async function answerCall(control: FindingControl, { call, args }: FindingCall): Promise<unknown> {
  if (!METHODS.includes(call)) return undefined
  // The other end calls the port itself. JSON has no undefined.
  return (control[call] as Method)(...args.map(value => value ?? undefined))
}

/** Returns the port, of which each method is a call. */
export function controlBy(ask: (call: FindingCall) => Promise<unknown>): FindingControl {
  // Awaited here: a promise of another object is no Promise, and its caller could leave a rejection unhandled.
  const methods = METHODS.map(call => [
    call,
    async (...args: readonly unknown[]) => await ask({ call, args }),
  ])
  return Object.fromEntries(methods) as FindingControl
}
