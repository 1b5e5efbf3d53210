import { belongsTo, describe, type LogRecord } from './describe.ts'
import { find, fromTemplate } from './element.ts'

/** What the log's list works with. */
export interface LogSettings {
  /** The origin of the gate. */
  readonly gate: string
  readonly names: Readonly<Record<string, string>>
  /** A token with the role `security`. */
  readonly token: () => Promise<string>
}

/** Milliseconds between two looks at the log. */
const INTERVAL = 1000
/** How many records the page keeps. */
const SHOWN = 40
/** How many older records it shows at first. */
const HISTORY = 8

interface Entry {
  readonly record: LogRecord
  readonly element: HTMLElement
}

/** The list of the gate's records, newest first, which follows the log. */
export class RecordLog {
  readonly #settings: LogSettings
  readonly #list: HTMLOListElement = find(document, '#records', HTMLOListElement)
  readonly #note: HTMLElement = find(document, '#log-note', HTMLElement)
  readonly #entries = new Map<string, Entry>()
  readonly #text: string
  #cursor: string | undefined
  #marked: string | undefined
  #reading: Promise<void> | undefined

  constructor(settings: LogSettings) {
    this.#settings = settings
    this.#text = this.#note.textContent
  }

  /** Follows the log as long as the page is open. Rests while the page is hidden. */
  async follow(): Promise<never> {
    for (;;) {
      if (!document.hidden)
        await this.read().catch(() => this.#say('The log can’t be read. Is the gate running?'))
      await new Promise(resolve => setTimeout(resolve, INTERVAL))
    }
  }

  /** Reads what the log has by now. */
  async read(): Promise<void> {
    // A look that has begun may have passed the newest record already.
    await this.#reading?.catch(() => {})
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** Returns the ids of the records that are shown. */
  get ids(): ReadonlySet<string> {
    return new Set(this.#entries.keys())
  }

  /** Returns the id of the record of a new ticket: one that isn't among the ids. */
  ticketOf(patient: string, recording: string, before: ReadonlySet<string>): string | undefined {
    const { names } = this.#settings
    const isIt = ({ id, kind, subject = '', recording: of }: LogRecord) =>
      kind === 'ticket' && of === recording && names[subject] === patient && !before.has(id)
    return [...this.#entries.values()].findLast(({ record }) => isIt(record))?.record.id
  }

  /**
   * Marks the record of a request, and those of what followed from it, also those that are still to come.
   *
   * @returns what the record says, in a sentence; undefined if the log doesn't have it
   */
  mark(id: string): string | undefined {
    this.#marked = id
    for (const entry of this.#entries.values()) this.#show(entry)
    const entry = this.#entries.get(id)
    return entry && describe(entry.record, this.#settings.names)
  }

  async #readOn(): Promise<void> {
    const query: Record<string, string> =
      this.#cursor === undefined ? { order: 'newest', limit: `${HISTORY}` } : { after: this.#cursor }
    const { lines, headers } = await this.#fetch(query)
    if (this.#cursor === undefined) lines.reverse()
    // Of the first page, which has the newest records, it is where later ones will be.
    const next = this.#cursor === undefined ? 'mediaward-end' : 'mediaward-cursor'
    this.#cursor = headers.get(next) ?? this.#cursor
    // Last, bytes that left so far: their record is not in the log before its view has had none for a while.
    const held = await this.#fetch({ held: 'true' })
    for (const line of [...lines, ...held.lines]) this.#add(line)
    this.#say(this.#text)
  }

  async #fetch(query: Record<string, string>): Promise<{ lines: string[]; headers: Headers }> {
    const { gate, token } = this.#settings
    const response = await fetch(`${gate}/console/api/records?${new URLSearchParams(query)}`, {
      headers: { Authorization: `Bearer ${await token()}` },
    })
    if (!response.ok) throw new Error(`the log answered ${response.status}`)
    const lines = (await response.text()).split('\n').filter(line => line !== '')
    return { lines, headers: response.headers }
  }

  #add(json: string): void {
    const record = JSON.parse(json) as LogRecord
    // The list shows what people did. What the rules found has a list of its own.
    if (record.kind === 'heartbeat' || record.kind === 'finding') return
    const known = this.#entries.get(record.id)
    if (known !== undefined) {
      this.#fill(known.element, record, json)
      return
    }
    const element = fromTemplate('entry')
    element.id = `record-${record.id}`
    element.tabIndex = -1
    element.dataset.kind = record.kind
    find(element, '.kind', HTMLElement).textContent = record.reason ?? record.kind
    const time = find(element, 'time', HTMLTimeElement)
    time.dateTime = record.t
    time.textContent = new Date(record.t).toLocaleTimeString('en-GB')
    this.#fill(element, record, json)
    const entry = { record, element }
    this.#entries.set(record.id, entry)
    this.#show(entry)
    this.#list.prepend(element)
    for (const [id, { element: old }] of [...this.#entries].slice(0, -SHOWN)) {
      this.#entries.delete(id)
      old.remove()
    }
  }

  /** Shows what a record says, which may be more than before if further bytes left. */
  #fill(element: HTMLElement, record: LogRecord, json: string): void {
    const pre = find(element, 'pre', HTMLElement)
    if (pre.textContent === json) return
    pre.textContent = json
    find(element, '.sentence', HTMLElement).textContent = describe(record, this.#settings.names)
  }

  #show({ record, element }: Entry): void {
    element.toggleAttribute('data-marked', belongsTo(record, this.#marked))
  }

  #say(note: string): void {
    if (this.#note.textContent !== note) this.#note.textContent = note
  }
}
