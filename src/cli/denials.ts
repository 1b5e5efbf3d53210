import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CURSOR_HEADER, MAX_PAGE, MORE_HEADER } from '../console/records.ts'
import type { AccessEvent } from '../ledger/event.ts'
import { DEFAULT_DATA, DEFAULT_URL, describeRefusal, parseGateUrl, requestGate, tokenFor } from './client.ts'
import { parseJson, stringMember } from './json.ts'
import { messageOf, print, say, UsageError } from './terminal.ts'

/** How often `--follow` asks for new events, in milliseconds. */
const POLL_INTERVAL = 1000

/** A date of ISO 8601, or a date and a time. `Date` reads much else as a time: 5 as May 2001. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/
/** The units of a duration, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }

/** Runs `mediaward denials`: lists refusals, oldest first, and follows new ones. */
export async function denials(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      follow: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      limit: { type: 'string' },
      since: { type: 'string' },
      url: { type: 'string', default: DEFAULT_URL },
      token: { type: 'string' },
      data: { type: 'string', default: DEFAULT_DATA },
    },
  })
  const limit = values.limit === undefined ? undefined : Number(values.limit)
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE)) {
    throw new UsageError(`--limit ${values.limit} must be from 1 to ${MAX_PAGE}`)
  }
  const since = values.since === undefined ? undefined : readTime(values.since)
  const gate = parseGateUrl(values.url)
  // For each request: `--follow` may outlast any token, and it can't get another one if the token was given.
  const token = () => tokenFor(values.token, values.data, 'security')

  let filter: Record<string, string> = since === undefined ? {} : { since }
  const newest: Record<string, string> = limit === undefined ? {} : { limit: String(limit), latest: 'true' }
  let page = await fetchDenials(gate, await token(), { ...filter, ...newest })
  let count = 0
  for (;;) {
    for (const line of page.lines) await print(values.json ? line : formatDenial(line))
    count += page.lines.length
    if (!page.more && !values.follow) break
    const { cursor, more } = page
    if (!more) {
      // After the end of the log, every event is new. That includes events that waited elsewhere for hours, whose time
      // a filter would leave out.
      filter = {}
      await delay(POLL_INTERVAL)
    }
    page = await fetchDenials(gate, await token(), { ...filter, after: cursor }).catch(
      async (error: unknown) => {
        // An operator may follow for days, so a restart of the gate must not end the command.
        if (!values.follow || error instanceof UsageError) throw error
        say(`mediaward: ${messageOf(error)}; trying again`)
        await delay(POLL_INTERVAL)
        return { lines: [], cursor, more }
      },
    )
  }
  if (!values.json) say(count === 0 ? 'no refusals' : `${count} ${count === 1 ? 'refusal' : 'refusals'}`)
}

interface DenialsPage {
  readonly lines: readonly string[]
  readonly cursor: string
  readonly more: boolean
}

async function fetchDenials(gate: URL, token: string, query: Record<string, string>): Promise<DenialsPage> {
  const target = new URL('/console/api/denials', gate)
  target.search = new URLSearchParams(query).toString()
  const response = await requestGate(target, token)
  if ([401, 403, 404].includes(response.status)) {
    throw new UsageError(
      `the gate refused: ${await describeRefusal(response)}`,
      response.status === 401 ? 'get a new token' : 'the token needs the role "security"',
    )
  }
  if (!response.ok) throw new Error(`the gate answered ${await describeRefusal(response)}`)
  return {
    lines: (await response.text()).split('\n').filter(line => line !== ''),
    cursor: response.headers.get(CURSOR_HEADER) ?? '',
    more: response.headers.get(MORE_HEADER) === 'true',
  }
}

/** Formats an event as one line for people. */
function formatDenial(json: string): string {
  const event = parseJson(json)
  const read = (name: keyof AccessEvent) => stringMember(event, name)
  const path = [read('recording'), read('part')].filter(name => name !== undefined).join('/')
  const owner = read('owner')
  return [
    read('t') ?? '-',
    (read('reason') ?? '-').padEnd(20),
    `${read('method') ?? '-'} ${path === '' ? '-' : path}`.padEnd(28),
    `by ${read('subject')?.slice(0, 16) ?? 'unknown'}`.padEnd(19),
    ...(owner === undefined ? [] : [`of ${owner.slice(0, 16)}`.padEnd(19)]),
    read('id') ?? '-',
  ].join('  ')
}

/** Reads a time, or how long ago it was, as the console's API takes it. */
function readTime(time: string): string {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(time) ?? []
  const ago = Number(count) * (UNITS[unit] ?? Number.NaN)
  const date = new Date(ISO_TIME.test(time) ? time : Date.now() - ago)
  if (Number.isNaN(date.getTime())) {
    throw new UsageError(
      `--since ${time} is not a time`,
      'write it as 2026-11-22T10:00:00Z, or as 15m, 2h, 3d',
    )
  }
  return date.toISOString()
}
