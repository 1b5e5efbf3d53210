import { KINDS } from '../../ledger/event.ts'
import type { CountSpan } from '../../ledger/ledger.ts'
import {
  type Command,
  type CommandOptions,
  createCommand,
  type OptionValues,
} from '../../runtime/node/command.ts'
import { GATE_OPTIONS, parseGateUrl, tokenFor } from '../client.ts'
import { COMMAND, print, say } from '../terminal.ts'
import { countedTime, drawChart, fetchCounts } from './counts.ts'
import { FILTER_OPTIONS, type LogRange, readFilters, readSpan } from './filters.ts'
import { LogFollower } from './log-follower.ts'
import { LogReader, type LogRequest } from './log-reader.ts'
import { pseudonymsOfPeople } from './person.ts'
import { KEY_OPTIONS } from './pseudonym.ts'
import { formatRecord } from './table.ts'

const LOG_OPTIONS = {
  ...FILTER_OPTIONS,
  newest: { type: 'boolean', default: false, about: 'List the newest first, back to the oldest.' },
  follow: { type: 'boolean', default: false, about: 'Keep listing new records.' },
  json: { type: 'boolean', default: false, about: 'Print the records as they are stored, one a line.' },
  wide: { type: 'boolean', default: false, about: 'Show pseudonyms in full.' },
  ...KEY_OPTIONS,
  ...GATE_OPTIONS,
} as const satisfies CommandOptions

const listing = createCommand({
  usage: 'mediaward log [export]',
  summary: 'Lists the records of the log, oldest first. "log export" writes them for other programs.',
  options: {
    kind: { type: 'string', value: 'KIND', about: `Only records of this kind: ${KINDS.join(', ')}.` },
    ...LOG_OPTIONS,
  },
  example: `${COMMAND} log --recording rec-007 --since 2h`,
  run: values => list(values, ['record', 'records']),
})

/** `mediaward log`: lists records of any kind, oldest first, and follows new ones. `log export` is a command of its own. */
export const log: Command = {
  ...listing,
  async run(args) {
    const [first, ...rest] = args
    await (first === 'export' ? (await import('./export.ts')).exportLog.run(rest) : listing.run(args))
  },
}

/** `mediaward denials`: what `log` does, for refusals. */
export const denials: Command = createCommand({
  usage: 'mediaward denials',
  summary: 'Lists refused requests, oldest first: the records of "log --kind access".',
  options: LOG_OPTIONS,
  example: `${COMMAND} denials --follow`,
  run: values => list({ ...values, kind: 'access' }, ['refusal', 'refusals']),
})

type LogValues = OptionValues<typeof LOG_OPTIONS> & { readonly kind?: string | undefined }

/** What the records are called, one and several. */
type Nouns = readonly [one: string, several: string]

async function list(values: LogValues, nouns: Nouns): Promise<void> {
  const { follow, json, wide } = values
  const range = readFilters(values)
  const by = values.count === undefined ? undefined : readSpan(values.count)
  const gate = parseGateUrl(values.url)
  // For each request: `--follow` may outlast any token, and it can't get another one if the token was given.
  const token = () => tokenFor(values.token, values.data, 'security')
  const filters = { ...range.filters, ...(await pseudonymsOfPeople(values, { gate, token })) }
  const request = { filters, gate, token, follow }
  if (by !== undefined) return count(by, { range, request, json, nouns })

  const show = (line: string) =>
    print(json ? line : formatRecord(line, { wide, kind: nouns[0] === 'record' }))
  const reader = new LogReader(request)
  let found = 0
  for await (const lines of reader.pages(range)) {
    for (const line of lines) await show(line)
    found += lines.length
  }
  if (!json && !follow && !range.newest) {
    const held = await reader.held(range)
    for (const line of held) await show(line)
    if (held.length > 0)
      say(`the last ${held.length === 1 ? 'one' : held.length} may grow: bytes that left so far`)
  }
  if (follow) for await (const line of new LogFollower(request, reader.cursor).records()) await show(line)
  const { older, archived } = reader
  const next =
    range.newest && older !== undefined
      ? `older ones: --newest --after ${older}`
      : `what comes later: --after ${reader.cursor}`
  const source = archived === 0 ? '' : ` (${archived} from the archive)`
  if (!json) say(`${numberOf(found, nouns)}${source}; ${next}`)
}

interface Counting {
  readonly range: LogRange
  readonly request: LogRequest
  readonly json: boolean
  readonly nouns: Nouns
}

async function count(by: CountSpan, { range, request, json, nouns }: Counting): Promise<void> {
  const time = countedTime(by, range)
  const lines = await fetchCounts(request, time)
  const { filters } = request
  const isOfRefusals = filters.kind === 'access' || filters.reason !== undefined
  const { total, rows } = drawChart(lines, time, isOfRefusals ? 'reason' : 'kind')
  for (const row of json ? lines : total === 0 ? [] : rows) await print(row)
  // One of a flood, or of a caller that repeats its request, stands for many refusals.
  const counted: Nouns = nouns[0] === 'refusal' ? ['record of refusals', 'records of refusals'] : nouns
  if (!json) say(`${numberOf(total, counted)} from ${time.since} to ${time.until}`)
}

const numberOf = (count: number, [one, several]: Nouns): string =>
  count === 0 ? `no ${several}` : `${count} ${count === 1 ? one : several}`
