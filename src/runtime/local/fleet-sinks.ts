import { StorageFault } from '../../base/storage-fault.ts'
import { withTimeout } from '../../base/timeout.ts'
import type { SinkControl, SinkReplay, SinkReplayed, SinkStatus, SinkTest } from '../../sinks/control.ts'
import type { Sinks } from '../../sinks/sinks.ts'
import type { LogWork } from '../postgres/elected-log.ts'

/** How long a list may take, in milliseconds: as long as it takes until another process is the log, and to spare. */
const LIST_PATIENCE = 15_000

/** A call of another machine. */
type Call =
  | { readonly action: 'list' }
  | { readonly action: 'test'; readonly name: string }
  | { readonly action: 'replay'; readonly name: string; readonly replay: SinkReplay }

/** The sinks of a fleet: they run in the process that is the log, and each process calls that one for its operators. */
export class FleetSinks implements SinkControl, LogWork {
  readonly #start: () => Sinks
  readonly #call: (call: Call) => Promise<unknown>
  #sinks: Sinks | undefined

  /**
   * @param start starts the sinks where they were, whichever process had them
   * @param call calls the process that is the log
   */
  constructor(start: () => Sinks, call: (call: Call) => Promise<unknown>) {
    this.#start = start
    this.#call = call
  }

  begin(): void {
    this.#sinks = this.#start()
  }

  wake(): void {
    void this.#sinks?.wake()
  }

  end(): void {
    this.#sinks?.close()
    this.#sinks = undefined
  }

  readonly answer = async (call: unknown): Promise<unknown> => {
    const sinks = this.#sinks
    if (sinks === undefined) throw new StorageFault('this process is no longer the log')
    const called = call as Call
    if (called.action === 'list') return sinks.list()
    return called.action === 'test' ? sinks.test(called.name) : sinks.replay(called.name, called.replay)
  }

  async list(): Promise<readonly SinkStatus[]> {
    const list = await withTimeout(LIST_PATIENCE, this.#ask({ action: 'list' }))
    return list as readonly SinkStatus[]
  }

  async test(name: string): Promise<SinkTest | undefined> {
    return (await this.#ask({ action: 'test', name })) as SinkTest | undefined
  }

  async replay(name: string, replay: SinkReplay): Promise<SinkReplayed | undefined> {
    return (await this.#ask({ action: 'replay', name, replay })) as SinkReplayed | undefined
  }

  #ask(call: Call): Promise<unknown> {
    return this.#sinks === undefined ? this.#call(call) : this.answer(call)
  }
}
