import type { Clinic } from './clinic.ts'
import type { ConsoleApi } from './console-api.ts'
import { aboutFinding, describeAlert, isWaking, severityShown, summaryOf } from './describe-finding.ts'
import { find, fromTemplate, write } from './element.ts'
import {
  type AlertMessage,
  type ArrivedAlert,
  type Noted,
  type PageFinding,
  type Step,
  seconds,
  timelineOf,
} from './incident-times.ts'

/** Milliseconds between two looks, and while an incident is played. */
const INTERVAL = 1000
const LIVELY = 200
/** How many findings and alerts are shown. */
const FINDINGS = 8
const ALERTS = 3
/** How long an alert may take, in milliseconds. */
const PATIENCE = 10_000

/** The lists of what the rules found, of the alerts that came, and of how long it took. */
export class FindingsPanel {
  readonly #api: ConsoleApi
  readonly #clinic: Pick<Clinic, 'names' | 'rules'>
  readonly #findings: HTMLOListElement = find(document, '#findings', HTMLOListElement)
  readonly #alerts: HTMLOListElement = find(document, '#alerts', HTMLOListElement)
  readonly #note: HTMLElement = find(document, '#findings-note', HTMLElement)
  readonly #items = new Map<string, HTMLElement>()
  #found: readonly PageFinding[] = []
  #came: readonly ArrivedAlert[] = []
  /** When the incident began that the page plays. */
  #since = Number.POSITIVE_INFINITY
  #noted: readonly Noted[] = []
  #livelyUntil = 0

  constructor(api: ConsoleApi, clinic: Pick<Clinic, 'names' | 'rules'>) {
    this.#api = api
    this.#clinic = clinic
  }

  /** The findings that are not closed, the newest first. */
  get found(): readonly PageFinding[] {
    return this.#found
  }

  /** Looks as long as the page is open. Rests while the page is hidden. */
  async follow(): Promise<never> {
    for (;;) {
      if (!document.hidden)
        await this.look().then(
          () => this.#say(''),
          () => this.#say('The findings can’t be read. Is the gate running?'),
        )
      const wait = performance.now() < this.#livelyUntil ? LIVELY : INTERVAL
      await new Promise(resolve => setTimeout(resolve, wait))
    }
  }

  /** Shows what was found, and which alerts came, by now. */
  async look(): Promise<void> {
    const [found, came] = await Promise.all([this.#api.findings(), this.#api.alerts()])
    this.#found = found
    this.#came = came
    this.#showFindings()
    this.#showAlerts()
    this.#showTimeline()
  }

  /** Counts times from now on, and looks more often for a while. */
  begin(): void {
    this.#since = Date.now()
    this.#noted = []
    this.#livelyUntil = performance.now() + 15_000
  }

  /** Notes in the list of times what the page did or saw. */
  note(what: string): void {
    this.#noted = [...this.#noted, { at: Date.now(), what }]
    this.#showTimeline()
  }

  /** Resolves to how long it took until the alert came: in a line, as far as things happened in time. */
  async alerted(): Promise<string> {
    for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
      await this.look()
      if (this.#steps.some(({ what }) => what === 'alert')) break
      await new Promise(resolve => setTimeout(resolve, LIVELY))
    }
    return summaryOf(this.#steps)
  }

  get #steps(): readonly Step[] {
    return timelineOf(this.#since, this.#found, this.#came, this.#noted)
  }

  #showFindings(): void {
    const newest = this.#found.slice(0, FINDINGS)
    const open = new Set(newest.map(({ id }) => id))
    for (const [id, item] of this.#items) {
      if (open.has(id)) continue
      item.remove()
      this.#items.delete(id)
    }
    // The oldest first, so that the newest ends up on top.
    for (const finding of newest.toReversed()) {
      const item = this.#items.get(finding.id) ?? this.#add(finding)
      const { word, sign } = severityShown(finding.severity)
      item.dataset.severity = finding.severity
      change(find(item, '.sign', HTMLElement), sign)
      change(find(item, '.word', HTMLElement), word)
      const time = new Date(finding.last_seen).toLocaleTimeString('en-GB')
      const about = aboutFinding(finding, this.#clinic.names)
      change(find(item, '.about', HTMLElement), `${finding.rule} · ${about} · ${time}`)
    }
  }

  #add({ id, rule }: PageFinding): HTMLElement {
    const item = fromTemplate('finding')
    item.id = `finding-${id}`
    item.dataset.rule = rule
    find(item, '.sentence', HTMLElement).textContent = this.#clinic.rules[rule] ?? 'A finding'
    this.#items.set(id, item)
    this.#findings.prepend(item)
    return item
  }

  #showAlerts(): void {
    const waking = this.#came.filter(({ message }) => isWaking(message as AlertMessage))
    const newest = waking.slice(-ALERTS).toReversed()
    const shown = [...this.#alerts.children].map(({ id }) => id).join()
    if (newest.map(({ id }) => `alert-${id}`).join() === shown) return
    this.#alerts.replaceChildren(
      ...newest.map(({ id, at, message }, i) => {
        const item = fromTemplate('entry')
        item.id = `alert-${id}`
        find(item, 'details', HTMLDetailsElement).open = i === 0
        find(item, '.sentence', HTMLElement).textContent = describeAlert(message as AlertMessage)
        find(item, '.kind', HTMLElement).textContent = 'webhook, signed'
        const time = find(item, 'time', HTMLTimeElement)
        time.dateTime = new Date(at).toISOString()
        time.textContent = new Date(at).toLocaleTimeString('en-GB')
        find(item, 'pre', HTMLElement).textContent = JSON.stringify(message)
        return item
      }),
    )
  }

  #showTimeline(): void {
    const steps = this.#steps
    const list = find(document, '#timeline', HTMLOListElement)
    // What has happened doesn't change.
    if (list.children.length === steps.length) return
    list.replaceChildren(
      ...steps.map(({ after, what }) => {
        const item = fromTemplate('step')
        find(item, 'time', HTMLTimeElement).textContent = seconds(after)
        find(item, 'span', HTMLElement).textContent = what
        return item
      }),
    )
  }

  #say(note: string): void {
    if (this.#note.textContent !== note) write(this.#note, note)
  }
}

/** Sets the text of an element if it is another one, so that a screen reader hears what changed and nothing else. */
function change(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
