import type { AccessEvent, EventKind, LedgerEvent } from '../../src/ledger/event.ts'
import type { RunningGate } from './gate.ts'
import { PSEUDONYM_KEY, type TestIssuer } from './issuer.ts'
import { recordErrors } from './record-schema.ts'

export { createIssuer, PSEUDONYM_KEY, patterned, type TestIssuer } from './issuer.ts'

/** The variables of a gate that trusts these issuers and no other. */
export function variables(...issuers: readonly TestIssuer[]): Record<string, string> {
  return {
    ISSUERS: JSON.stringify(
      issuers.map(({ issuer, audience, jwks }) => {
        return {
          issuer,
          audience,
          algorithms: ['ES256'],
          jwks,
          allowed_roles: ['recorder', 'security', 'app'],
        }
      }),
    ),
    PSEUDONYM_KEY,
  }
}

/** Stores a part through the gate as a recorder does. */
export async function store(
  gate: RunningGate,
  by: TestIssuer,
  path: string,
  owner: string,
  body: Uint8Array<ArrayBuffer> | string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(gate.url + path, {
    method: 'PUT',
    headers: {
      ...(await by.bearer('recorder-1', { roles: ['recorder'] })),
      'Mediaward-Owner': owner,
      ...headers,
    },
    body,
  })
}

/** All refusals on record. */
export const denials = (gate: RunningGate, by: TestIssuer): Promise<AccessEvent[]> =>
  read(gate, by, 'denials')

/** All records of a kind, or of all kinds. */
export const records = <Kind extends EventKind>(
  gate: RunningGate,
  by: TestIssuer,
  kind?: Kind,
): Promise<Extract<LedgerEvent, { kind: Kind }>[]> =>
  read(gate, by, 'records', kind === undefined ? {} : { kind })

async function read<Event>(
  gate: RunningGate,
  by: TestIssuer,
  route: string,
  parameters: Record<string, string> = {},
): Promise<Event[]> {
  const headers = await by.bearer('analyst-1', { roles: ['security'] })
  const events: Event[] = []
  const fetchPage = async (page: Record<string, string>) => {
    const query = new URLSearchParams({ ...parameters, ...page })
    const response = await fetch(`${gate.url}/console/api/${route}?${query}`, { headers })
    if (!response.ok) throw new Error(`the list of ${route} answered ${response.status}`)
    const lines = (await response.text()).split('\n').filter(line => line !== '')
    for (const line of lines) expectValid(line)
    events.push(...lines.map(line => JSON.parse(line) as Event))
    return response.headers
  }
  for (let after: string | null = null, more = true; more; ) {
    const page = await fetchPage(after === null ? {} : { after })
    after = page.get('mediaward-cursor')
    more = page.has('mediaward-more')
  }
  // Deliveries that have no index yet.
  await fetchPage({ held: 'true' })
  return events
}

/** @throws Error if the published schema does not describe a record */
function expectValid(json: string): void {
  const errors = recordErrors(json)
  if (errors.length > 0) throw new Error(`a record is not as the schema says: ${errors.join('; ')}\n${json}`)
}

/** The event id that a refusal names. */
export async function instanceOf(response: Response): Promise<string> {
  const { instance } = (await response.json()) as { instance: string }
  return instance.replace('urn:uuid:', '')
}
