import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CURSOR_HEADER, MAX_PAGE, MORE_HEADER } from '../console/records.ts'
import type { AccessEvent } from '../ledger/event.ts'
import { ask, DATA, gateAt, reasonOf, tokenFor, URL_HERE } from './client.ts'
import { print, say, UsageError } from './terminal.ts'

/** How often `--follow` asks for new records, in milliseconds. */
const POLL = 1000

/** `mediaward denials`: lists refusals, oldest first, and follows them. */
export async function denials(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      follow: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      limit: { type: 'string' },
      since: { type: 'string' },
      url: { type: 'string', default: URL_HERE },
      token: { type: 'string' },
      data: { type: 'string', default: DATA },
    },
  })
  const limit = values.limit === undefined ? undefined : Number(values.limit)
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE)) {
    throw new UsageError(`--limit ${values.limit} must be from 1 to ${MAX_PAGE}`)
  }
  const since = values.since === undefined ? undefined : readTime(values.since)
  const gate = gateAt(values.url)
  const token = await tokenFor(values.token, values.data, 'security')

  let filter: Record<string, string> = since === undefined ? {} : { since }
  const newest: Record<string, string> = limit === undefined ? {} : { limit: String(limit), latest: 'true' }
  let page = await fetchPage(gate, token, { ...filter, ...newest })
  let count = 0
  for (;;) {
    for (const line of page.lines) await print(values.json ? line : describe(JSON.parse(line) as AccessEvent))
    count += page.lines.length
    if (!page.more && !values.follow) break
    const { cursor, more } = page
    if (!more) {
      // From the end of the log on, all that comes is new: also a record that was kept elsewhere for hours, and is old
      // by its time.
      filter = {}
      await pause(POLL)
    }
    page = await fetchPage(gate, token, { ...filter, after: cursor }).catch(async (error: unknown) => {
      // Someone who follows all night must not lose the thread over a restart of the gate.
      if (!values.follow || error instanceof UsageError) throw error
      say(`mediaward: ${(error as Error).message}; asking again`)
      await pause(POLL)
      return { lines: [], cursor, more }
    })
  }
  if (!values.json) say(count === 0 ? 'nobody was refused' : `${count} refused`)
}

interface Page {
  readonly lines: readonly string[]
  readonly cursor: string
  readonly more: boolean
}

async function fetchPage(gate: URL, token: string, query: Record<string, string>): Promise<Page> {
  const target = new URL('/console/api/denials', gate)
  target.search = new URLSearchParams(query).toString()
  const response = await ask(target, token)
  if ([401, 403, 404].includes(response.status)) {
    throw new UsageError(
      `the gate refused: ${await reasonOf(response)}`,
      'the token needs the role "security"',
    )
  }
  if (!response.ok) throw new Error(`the gate answered ${await reasonOf(response)}`)
  return {
    lines: (await response.text()).split('\n').filter(line => line !== ''),
    cursor: response.headers.get(CURSOR_HEADER) ?? '',
    more: response.headers.get(MORE_HEADER) === 'true',
  }
}

/** A record as one line for people. */
function describe(event: AccessEvent): string {
  const what = [event.recording, event.part].filter(text => text !== undefined).join('/')
  return [
    event.t,
    event.reason.padEnd(20),
    `${event.method} ${what === '' ? '-' : what}`.padEnd(28),
    `by ${event.subject?.slice(0, 16) ?? 'unknown'}`.padEnd(19),
    event.owner === undefined ? '' : `of ${event.owner.slice(0, 16)}`.padEnd(19),
    event.id,
  ]
    .filter(text => text !== '')
    .join('  ')
}

function readTime(text: string): string {
  const ago = /^(\d+)([smhd])$/.exec(text)
  const unit = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[ago?.[2] ?? '']
  const time = ago !== null && unit !== undefined ? Date.now() - Number(ago[1]) * unit : Date.parse(text)
  if (Number.isNaN(new Date(time).getTime())) {
    throw new UsageError(`--since ${text} is no time`, 'write it as 2026-11-22T10:00:00Z, or as 15m, 2h, 3d')
  }
  return new Date(time).toISOString()
}
