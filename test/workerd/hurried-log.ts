import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import type { CloudflareBindings } from '../../src/runtime/cloudflare/cloudflare.ts'
import { createCloudflareLedger } from '../../src/runtime/cloudflare/cloudflare-ledger.ts'
import { LedgerObject as Inbox } from '../../src/runtime/cloudflare/ledger-object.ts'
import { LogObject as Log } from '../../src/runtime/cloudflare/log-object.ts'
import { countedBy } from '../support/counted.ts'

// The log without a gate, for which an hour passes in a second: what takes it hours can be cut off at any moment of it.

const SPEED = 3_600
const now = Date.now
/** When the log was begun, on the clock of the machine. It is in the bindings, as it outlives the process. */
let begun = 0
let isSlowed = false

/** Has alarms go off when the hurried clock says so. */
function hurry({ storage }: DurableObjectState, env: { readonly BEGUN: string }): void {
  begun = Number(env.BEGUN)
  Date.now = () => begun + (now() - begun) * SPEED
  if (isSlowed) return
  isSlowed = true
  const prototype = Object.getPrototypeOf(storage) as { setAlarm: (time: number) => unknown }
  const { setAlarm } = prototype
  prototype.setAlarm = function (time) {
    return setAlarm.call(this, begun + (time - begun) / SPEED)
  }
}

export class LedgerObject extends Inbox {
  constructor(state: DurableObjectState, env: never) {
    hurry(state, env)
    super(state as never, env)
  }
}

export class LogObject extends Log {
  constructor(state: DurableObjectState, env: never) {
    hurry(state, env)
    super(state as never, env)
  }
}

export default {
  /** Appends the entries of a POST. Answers a GET with the deliveries that are held, what was counted, or a page after a cursor. */
  async fetch(request: Request, env: CloudflareBindings): Promise<Response> {
    const ledger = createCloudflareLedger({ inboxes: env.LEDGER, logs: env.LOG, count: 3 })
    if (request.method === 'POST') {
      await ledger.append((await request.json()) as LedgerEntry[])
      return new Response('durable')
    }
    const after = new URL(request.url).searchParams.get('after')
    if (after === 'held') return Response.json(await ledger.held({}))
    if (after === 'counted') return Response.json(await countedBy(ledger.count))
    return Response.json(await ledger.read({ limit: 1_000, ...(after !== null && { after }) }))
  },
}
