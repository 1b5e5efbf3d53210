import { KINDS } from '../../ledger/event.ts'
import {
  type Command,
  type CommandOptions,
  createCommand,
  type OptionValues,
} from '../../runtime/node/command.ts'
import { GATE_OPTIONS, parseGateUrl, tokenFor } from '../client.ts'
import { KEY_OPTIONS } from '../pseudonym.ts'
import { COMMAND, print, say } from '../terminal.ts'
import { FILTER_OPTIONS, readFilters } from './filters.ts'
import { LogReader } from './log-reader.ts'
import { pseudonymOf } from './person.ts'
import { formatRecord } from './table.ts'

const LOG_OPTIONS = {
  ...FILTER_OPTIONS,
  follow: { type: 'boolean', default: false, about: 'Keep listing new records.' },
  json: { type: 'boolean', default: false, about: 'Print the records as they are stored, one a line.' },
  wide: { type: 'boolean', default: false, about: 'Show pseudonyms in full.' },
  ...KEY_OPTIONS,
  ...GATE_OPTIONS,
} as const satisfies CommandOptions

/** `mediaward log`: lists records of any kind, oldest first, and follows new ones. */
export const log: Command = createCommand({
  usage: 'mediaward log',
  summary: 'Lists the records of the log, oldest first.',
  options: {
    kind: { type: 'string', value: 'KIND', about: `Only records of this kind: ${KINDS.join(', ')}.` },
    ...LOG_OPTIONS,
  },
  example: `${COMMAND} log --recording rec-007 --since 2h`,
  run: values => list(values, ['record', 'records']),
})

/** `mediaward denials`: what `log` does, for refusals. */
export const denials: Command = createCommand({
  usage: 'mediaward denials',
  summary: 'Lists refused requests, oldest first: the records of "log --kind access".',
  options: LOG_OPTIONS,
  example: `${COMMAND} denials --follow`,
  run: values => list({ ...values, kind: 'access' }, ['refusal', 'refusals']),
})

type LogValues = OptionValues<typeof LOG_OPTIONS> & { readonly kind?: string | undefined }

async function list(values: LogValues, [one, several]: readonly [string, string]): Promise<void> {
  const { follow, json, wide } = values
  const { limit, ...range } = readFilters(values)
  const gate = parseGateUrl(values.url)
  // For each request: `--follow` may outlast any token, and it can't get another one if the token was given.
  const token = () => tokenFor(values.token, values.data, 'security')
  const subject =
    values.subject === undefined ? undefined : await pseudonymOf(values.subject, values, { gate, token })

  const filters = { ...range.filters, ...(subject !== undefined && { subject }) }
  const reader = new LogReader({ ...range, filters, gate, token, follow })
  let count = 0
  for await (const lines of reader.pages(limit)) {
    for (const line of lines) await print(json ? line : formatRecord(line, { wide, kind: one === 'record' }))
    count += lines.length
  }
  const found = count === 0 ? `no ${several}` : `${count} ${count === 1 ? one : several}`
  if (!json) say(`${found}; what comes later: --after ${reader.cursor}`)
}
