import { type OpenTicket, openTicket, TicketError } from '../player/ticket.ts'
import type { ListedPatient, ListedRecording } from './clinic.ts'
import { find, fromTemplate, write } from './element.ts'

/** How a request for a recording ended. */
export interface Outcome {
  readonly patient: string
  readonly recording: string
  /** Whether the gate issued a ticket. */
  readonly plays: boolean
  /** The status and its name. */
  readonly status: string
  /** The id of the gate's record, if the gate refused. */
  readonly event: string | undefined
}

/** Finds the record of a request. Resolves to its id; undefined if the log doesn't have it. */
export type FindRecord = (outcome: Outcome) => Promise<string | undefined>

/** What a card works with. */
export interface CardSettings {
  readonly patient: ListedPatient
  readonly token: () => Promise<string>
  /** The release of the app. */
  readonly release: string
  /** Returns the URL of a recording. */
  readonly urlOf: (recording: string) => string
  /** Called before each request. */
  readonly onRequest: () => FindRecord
}

/** A patient, as an app shows them: a list of recordings and a player. Below it, what the gate answered. */
export class PatientCard {
  readonly element: HTMLElement = fromTemplate('patient')
  readonly #settings: CardSettings
  readonly #video: HTMLVideoElement = find(this.element, 'video', HTMLVideoElement)
  #ticket: OpenTicket | undefined
  #failedAt: number | undefined
  /** Counts the requests, so that a slow answer doesn't replace a later one. */
  #latest = 0

  constructor(settings: CardSettings) {
    this.#settings = settings
    const { id, recordings } = settings.patient
    const title = this.#part('h2')
    title.textContent = id
    title.id = id
    this.element.setAttribute('aria-labelledby', id)
    // Before its source is set. Without it, a browser loads nothing from a gate of another origin.
    this.#video.crossOrigin = 'anonymous'
    this.#fill('.own', `Their ${recordings.length} recordings`, recordings)
    this.#video.addEventListener('error', () => void this.#renew())
  }

  /** Puts recordings of other patients into the list, or takes them out again if there are none. */
  showForeign(recordings: readonly ListedRecording[]): void {
    this.#fill('.foreign', `${recordings.length} recordings of other patients`, recordings)
    this.#part('.foreign').hidden = recordings.length === 0
  }

  /** Opens a recording, as a click on it does. Resolves to the status and its name, once the page shows it. */
  async open(recording: string): Promise<string> {
    const buttons = [...this.element.querySelectorAll('li button')] as HTMLButtonElement[]
    await this.#choose(
      recording,
      buttons.find(({ dataset }) => dataset.recording === recording),
    )
    return this.#part('.status').textContent
  }

  #fill(section: string, title: string, recordings: readonly ListedRecording[]): void {
    this.#part(`${section} h3`).textContent = title
    const items = recordings.map(recording => {
      const item = fromTemplate('recording')
      const button = find(item, 'button', HTMLButtonElement)
      const { id, owner } = recording
      // Fifty whole ids would push the player out of sight.
      button.textContent = owner === this.#settings.patient.id ? id : id.replace('rec-', '')
      button.dataset.recording = id
      button.title = `${id} of ${owner}`
      button.ariaLabel = button.title
      button.addEventListener('click', () => void this.#choose(id, button))
      return item
    })
    this.#part(`${section} ul`).replaceChildren(...items)
  }

  async #choose(recording: string, button: HTMLButtonElement | undefined): Promise<void> {
    const number = ++this.#latest
    for (const chosen of this.element.querySelectorAll('[aria-current]'))
      chosen.removeAttribute('aria-current')
    button?.setAttribute('aria-current', 'true')
    this.#stop()
    const { patient, token, release, urlOf, onRequest } = this.#settings
    const findRecord = onRequest()
    const url = urlOf(recording)
    const answer = await openTicket(url, { token, release }).catch((error: unknown) => error)
    if (number !== this.#latest) return
    const { body, ...outcome } = read(answer)
    this.element.dataset.outcome = outcome.plays ? 'plays' : 'refused'
    if (button !== undefined) button.dataset.outcome = this.element.dataset.outcome
    this.#part('.status').textContent = outcome.status
    write(this.#part('.request'), `POST ${new URL(url).pathname}/ticket`)
    write(this.#part('.body'), body)
    this.#showOnScreen(answer, outcome.event)
    const record = await findRecord({ patient: patient.id, recording, ...outcome })
    if (number === this.#latest) this.#linkTo(record)
  }

  /** Shows what the patient gets: the recording, or that it isn't there. */
  #showOnScreen(answer: unknown, event: string | undefined): void {
    const ticket = answer instanceof Error ? undefined : (answer as OpenTicket)
    this.#part('.notice').hidden = ticket !== undefined
    this.#video.hidden = ticket === undefined
    write(this.#part('.message'), 'This recording isn’t available.')
    write(this.#part('.reference'), event === undefined ? '' : `For support: ${event}`)
    if (ticket === undefined) return
    this.#ticket = ticket
    this.#play(ticket.url)
  }

  #play(url: string): void {
    this.#video.src = url
    // A browser may not let it begin by itself. The player has a button.
    this.#video.play().catch(() => {})
  }

  /** Gets another ticket after the last one has ended, as it does while a laptop sleeps. */
  async #renew(): Promise<void> {
    const { currentTime: at } = this.#video
    const ticket = this.#ticket
    // A second failure at the same position isn't the ticket's.
    if (ticket === undefined || this.#failedAt === at) return
    this.#failedAt = at
    const renewed = await ticket.renew().catch((error: unknown) => error)
    // Another recording may have been chosen meanwhile.
    if (this.#ticket !== ticket) return
    // A freeze ends what plays, and there is no other ticket.
    if (typeof renewed !== 'string') return this.#showOnScreen(renewed, undefined)
    this.#play(renewed)
    this.#video.currentTime = at
  }

  #stop(): void {
    this.#ticket?.close()
    this.#ticket = undefined
    this.#failedAt = undefined
    this.#linkTo(undefined)
    this.#video.pause()
    this.#video.removeAttribute('src')
    this.#video.load()
  }

  #linkTo(record: string | undefined): void {
    const link = find(this.element, '.record a', HTMLAnchorElement)
    link.href = `#record-${record}`
    link.textContent = `${record?.slice(0, 18)}…`
    this.#part('.record').hidden = record === undefined
  }

  #part(selector: string): HTMLElement {
    return find(this.element, selector, HTMLElement)
  }
}

/** Puts an answer into words. A ticket is left out: it would play for everyone who reads it on a screen. */
function read(answer: unknown): Pick<Outcome, 'plays' | 'status' | 'event'> & { readonly body: string } {
  if (!(answer instanceof Error)) {
    const url = (answer as OpenTicket).url.replace(/\/play\/[^/]+/, '/play/…')
    return { plays: true, status: '201 Created', event: undefined, body: JSON.stringify({ url }) }
  }
  const { status, details } = answer instanceof TicketError ? answer : {}
  return {
    plays: false,
    status: status === undefined ? 'No answer' : `${status} ${details?.title ?? ''}`.trim(),
    event: details?.instance?.replace('urn:uuid:', ''),
    body: details === undefined ? answer.message : JSON.stringify(details),
  }
}
