import { stderr } from 'node:process'
import { KINDS } from '../../ledger/event.ts'
import type { RenderedEvent } from '../../render/entry.ts'
import { type Command, createCommand, type OptionValues } from '../../runtime/node/command.ts'
import { deploymentAt } from '../../sinks/receiver.ts'
import { GATE_OPTIONS, parseGateUrl, tokenFor } from '../client.ts'
import { parseJson } from '../json.ts'
import { COMMAND, drawLine, printText, say, UsageError } from '../terminal.ts'
import { EXPORT_FORMATS, type ExportedRecord, type ExportFormat, exportFormat } from './export-formats.ts'
import { FILTER_OPTIONS, readFilters } from './filters.ts'
import { LogReader } from './log-reader.ts'
import { pseudonymsOfPeople } from './person.ts'
import { KEY_OPTIONS } from './pseudonym.ts'

const { limit: _, count: __, ...FILTERS } = FILTER_OPTIONS

const OPTIONS = {
  format: {
    type: 'string',
    default: 'ndjson',
    value: 'FORMAT',
    about: `${EXPORT_FORMATS.join(', ')}: lines of JSON, a table, or a Bundle of AuditEvents.`,
  },
  kind: { type: 'string', value: 'KIND', about: `Only records of this kind: ${KINDS.join(', ')}.` },
  ...FILTERS,
  profiles: {
    type: 'string',
    value: 'URL',
    about: 'Of fhir: the base URL under which you publish the profiles of docs/fhir.',
  },
  ...KEY_OPTIONS,
  ...GATE_OPTIONS,
} as const

/** How often progress is shown where stderr is no terminal, in milliseconds. */
const INTERVAL = 15_000

/** `mediaward log export`: writes the records of the live log and of the archive to stdout, oldest first. */
export const exportLog: Command = createCommand({
  usage: 'mediaward log export',
  summary:
    'Writes records of the log and of its archive to stdout, oldest first, in a format for other programs.',
  options: OPTIONS,
  example: `${COMMAND} log export --format csv --since 30d > records.csv`,
  run,
})

async function run(values: OptionValues<typeof OPTIONS>): Promise<void> {
  const { profiles } = values
  const name = EXPORT_FORMATS.find(format => format === values.format)
  if (name === undefined) {
    throw new UsageError(`--format ${values.format} is unknown`, `use one of ${EXPORT_FORMATS.join(', ')}`)
  }
  const range = readFilters({ ...values, newest: false, follow: false })
  const gate = parseGateUrl(values.url)
  const token = () => tokenFor(values.token, values.data, 'security')
  const people = await pseudonymsOfPeople(values, { gate, token })
  const filters = { ...range.filters, ...people, indexed: 'true' }
  const reader = new LogReader({ filters, gate, token, follow: false })
  const deployment = deploymentAt(gate.origin, 'mediaward')
  const format = exportFormat(name, {
    deployment: { ...deployment, ...(profiles !== undefined && { fhir: profiles }) },
    isContinued: range.after !== undefined,
    time: new Date().toISOString(),
  })
  const output = new Output(format)
  try {
    for await (const lines of reader.pages(range)) await output.write(lines.map(readRecord))
  } catch (error) {
    if (reader.cursor !== '') say(`${output.count} records are written; go on with --after ${reader.cursor}`)
    throw error
  } finally {
    await output.end()
  }
  const source = reader.archived === 0 ? '' : `, ${reader.archived} of them from the archive`
  say(`${output.count} records${source}; what comes later: --after ${reader.cursor}`)
}

/** A file on stdout, and its progress on stderr. */
class Output {
  readonly #format: ExportFormat
  #shown = Date.now()
  #isBegun = false
  /** How many records are written. */
  count = 0

  constructor(format: ExportFormat) {
    this.#format = format
  }

  async write(records: readonly ExportedRecord[]): Promise<void> {
    // Not before: if the gate refuses, there is no file.
    const head = this.#isBegun ? '' : this.#format.head
    this.#isBegun = true
    const parts = records.map((record, i) => this.#format.record(record, this.count + i === 0))
    await printText(head + parts.join(''))
    this.count += records.length
    const last = records.at(-1)?.event
    this.#show(`${this.count} records, up to ${last?.recorded ?? last?.t ?? 'the end'}`)
  }

  /** Makes what is written so far a valid file, also if there was a failure. */
  async end(): Promise<void> {
    if (this.#isBegun) await printText(this.#format.tail(this.count))
  }

  #show(line: string): void {
    if (stderr.isTTY) drawLine(line, false)
    else if (Date.now() - this.#shown >= INTERVAL) {
      this.#shown = Date.now()
      say(line)
    }
  }
}

/** Reads a line of the answer: the record's own bytes are in it as they are. */
function readRecord(line: string): ExportedRecord {
  const [, index, json] = /^\{"index":(\d+),"record":(.*)\}$/.exec(line) ?? []
  if (index === undefined || json === undefined) {
    throw new Error('the gate answered something else than records with their indexes: look at --url')
  }
  return { index: Number(index), json, event: Object(parseJson(json)) as RenderedEvent }
}
