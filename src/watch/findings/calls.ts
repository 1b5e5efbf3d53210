import type { FindingAct, FindingControl, FindingQuery, NewSuppression } from '../finding-control.ts'

/** A call of the port, for those who reach the log by messages only. */
export type FindingCall =
  | { readonly call: 'list'; readonly query: FindingQuery }
  | { readonly call: 'show'; readonly id: string; readonly tenant?: string | undefined }
  | { readonly call: 'act'; readonly id: string; readonly act: FindingAct }
  | { readonly call: 'suppressions'; readonly tenant?: string | undefined }
  | { readonly call: 'suppress'; readonly wanted: NewSuppression }
  | { readonly call: 'canaries' }
  | { readonly call: 'addCanaries'; readonly ids: readonly string[]; readonly by: string }
  | ({ readonly call: 'endSuppression' | 'eraseText'; readonly by: string } & {
      readonly id: string
      readonly tenant?: string | undefined
    })

/** Answers a call, where the log is. */
export function answerCall(control: FindingControl, call: FindingCall): Promise<unknown> {
  switch (call.call) {
    case 'list':
      return control.list(call.query)
    case 'show':
      return control.show(call.id, call.tenant)
    case 'act':
      return control.act(call.id, call.act)
    case 'suppressions':
      return control.suppressions(call.tenant)
    case 'suppress':
      return control.suppress(call.wanted)
    case 'canaries':
      return control.canaries()
    case 'addCanaries':
      return control.addCanaries(call.ids, call.by)
    default:
      return control[call.call](call.id, call.by, call.tenant)
  }
}

/** Returns the port, of which each method is a call. */
export function controlBy(call: (call: FindingCall) => Promise<unknown>): FindingControl {
  // The other end answers by the port itself.
  const ask = async <Answer>(one: FindingCall) => (await call(one)) as Answer
  return {
    list: query => ask({ call: 'list', query }),
    show: (id, tenant) => ask({ call: 'show', id, tenant }),
    act: (id, act) => ask({ call: 'act', id, act }),
    suppressions: tenant => ask({ call: 'suppressions', tenant }),
    suppress: wanted => ask({ call: 'suppress', wanted }),
    canaries: () => ask({ call: 'canaries' }),
    addCanaries: (ids, by) => ask({ call: 'addCanaries', ids, by }),
    endSuppression: (id, by, tenant) => ask({ call: 'endSuppression', id, by, tenant }),
    eraseText: (id, by, tenant) => ask({ call: 'eraseText', id, by, tenant }),
  }
}
