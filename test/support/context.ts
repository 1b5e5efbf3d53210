import { RequestContext } from '../../src/request-context.ts'

/** Creates the context of a request, with what a test says of it. */
export function contextOf(facts: Partial<RequestContext> = {}): RequestContext {
  const context = new RequestContext({
    request: new Request('https://gate.test/'),
    waitUntil: () => {},
    now: () => 0,
    network: () => ({}),
  })
  return Object.assign(context, facts)
}
