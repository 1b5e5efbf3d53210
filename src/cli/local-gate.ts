import type { Shelf } from './clinic.ts'

/** A gate that `mediaward dev` has started on this machine. */
export interface LocalGate {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a gate on the loopback, and only there. `seed` is called once, with where the recordings go. */
export type StartGate = (
  port: number,
  data: string,
  variables: Readonly<Record<string, string>>,
  seed: (shelf: Shelf) => Promise<void>,
) => Promise<LocalGate>
