import type { AnalystRoute, AnalystServices } from '../authenticate/analyst.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { jsonResponse } from '../http/response-headers.ts'
import type { SinkFacts } from '../ledger/facts/console-facts.ts'
import { observe } from '../ledger/head.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'
import type { SinkControl, SinkReplay } from '../sinks/control.ts'
import { analystCallEndpoint, analystEndpoint } from './analyst-endpoint.ts'
import { invalidQuery, isTime } from './query.ts'

/** Most bytes of a call. */
const ROUTE: AnalystRoute = { action: 'operate', most: 1024 }

/** What the routes of sinks take beside the request. */
export interface SinksServices extends AnalystServices {
  readonly record: Recorder
  readonly bodyTimeouts: Required<BodyTimeouts>
  /** Undefined if the log has no sinks. */
  readonly sinkControl: SinkControl | undefined
}

/**
 * Creates the endpoints that list, test and replay sinks, by path. They require the role `security`, and an analyst of all
 * tenants, since a sink may have the records of all. What an analyst does is on record before it is done.
 */
export function sinkEndpoints(services: SinksServices): ReadonlyMap<string, Endpoint> {
  const { sinkControl } = services

  async function record(
    context: RequestContext,
    facts: Pick<SinkFacts, 'action' | 'sink' | 'replay'>,
  ): Promise<void> {
    const event = { kind: 'console', decision: 'permit', ...facts } as const
    await services.record(observe(context), event).catch(Fault.as('ledger_unavailable'))
  }

  const list = async () => (await sinkControl?.list().catch(unavailable)) ?? []

  /** Creates the endpoint of a call that names a sink. */
  const named = (
    action: 'sink_test' | 'sink_replay',
    act: (name: string, replay: SinkReplay) => Promise<unknown>,
  ): Endpoint =>
    analystCallEndpoint(services, ROUTE, async (context, { analyst: { tenant }, json }) => {
      if (tenant !== undefined) return new Refusal('tenant_mismatch')
      const { name, ...rest } = Object(json) as Readonly<Record<string, unknown>>
      const replay = action === 'sink_replay' ? readReplay(rest) : {}
      if (replay instanceof Refusal) return replay
      if (typeof name !== 'string' || !(await list()).some(sink => sink.name === name)) {
        return invalidQuery(
          'name must be that of a sink in SINKS, or "alert:" and that of a system in ALERTS',
        )
      }
      await record(context, { action, sink: name, ...(action === 'sink_replay' && { replay }) })
      return jsonResponse(await act(name, replay).catch(unavailable))
    })

  return new Map<string, Endpoint>([
    [
      '/console/api/sinks',
      analystEndpoint(
        services,
        async (context, { tenant }) => {
          if (tenant !== undefined) return new Refusal('tenant_mismatch')
          await record(context, { action: 'sinks' })
          return jsonResponse({ sinks: await list() })
        },
        'operate',
      ),
    ],
    ['/console/api/sinks/test', named('sink_test', async name => sinkControl?.test(name))],
    [
      '/console/api/sinks/replay',
      named('sink_replay', async (name, replay) => sinkControl?.replay(name, replay)),
    ],
  ])
}

const unavailable: (error: unknown) => never = Fault.as('ledger_unavailable')

function readReplay({ from, dead }: Readonly<Record<string, unknown>>): SinkReplay | Refusal {
  const isIndex = Number.isSafeInteger(from) && (from as number) >= 0
  if (from !== undefined && !isIndex && !(typeof from === 'string' && isTime(from))) {
    return invalidQuery('from must be an index, or a time in UTC as in 2026-11-22T10:24:03Z')
  }
  if (dead !== undefined && typeof dead !== 'boolean') return invalidQuery('dead must be true or false')
  if (from === undefined && dead !== true)
    return invalidQuery('from is missing: it may be left out if dead is true')
  return {
    ...(typeof from === 'number' && { from }),
    ...(typeof from === 'string' && { from: new Date(from).toISOString() }),
    ...(dead === true && { dead }),
  }
}
