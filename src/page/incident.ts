import type { Clinic, ListedRecording } from './clinic.ts'
import type { ConsoleApi } from './console-api.ts'
import { find } from './element.ts'
import type { FindingsPanel } from './findings-panel.ts'
import { type PageFinding, SYSTEMIC } from './incident-times.ts'
import type { PatientCard } from './patient-card.ts'

/** What the incident works with. */
export interface IncidentSettings {
  readonly clinic: Clinic
  readonly api: ConsoleApi
  readonly panel: FindingsPanel
  readonly cards: readonly PatientCard[]
  readonly tokens: readonly (() => Promise<string>)[]
  /** Puts recordings of others into the lists of all patients. */
  readonly showBug: () => void
}

/** How long the page waits until a freeze, or its end, is obeyed, in milliseconds. */
const PATIENCE = 5_000
const LOOK_EVERY = 200
/** The rules whose findings a click on the button must bring again: those that find one patient. */
const OF_A_PATIENT = ['RG-001', 'RG-002']

/** The incident of 2020, from the bug to the freeze, with one click; and a button that freezes the release, or undoes that. */
export class Incident {
  readonly #settings: IncidentSettings
  readonly #play: HTMLButtonElement = find(document, '#play', HTMLButtonElement)
  readonly #freeze: HTMLButtonElement = find(document, '#freeze', HTMLButtonElement)
  readonly #says: HTMLElement = find(document, '#incident-says', HTMLElement)
  /** The number of the lockdown, while the release is frozen. */
  #frozen: number | undefined
  #isBusy = false

  constructor(settings: IncidentSettings) {
    this.#settings = settings
    this.#play.addEventListener('click', () => void this.#run(() => this.#playIncident()))
    this.#freeze.addEventListener(
      'click',
      () =>
        void this.#run(() => (this.#frozen === undefined ? this.#freezeByHand() : this.#undo(this.#frozen))),
    )
    void this.#readFreeze().catch(() => {})
  }

  /** Does one thing at a time. A button keeps the focus while it is busy, so it isn't disabled. */
  async #run(act: () => Promise<void>): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    for (const button of [this.#play, this.#freeze]) button.ariaDisabled = 'true'
    await act().catch((error: unknown) =>
      this.#say(`That didn’t work: ${error instanceof Error ? error.message : error}.`),
    )
    await this.#readFreeze().catch(() => {})
    for (const button of [this.#play, this.#freeze]) button.ariaDisabled = 'false'
    this.#isBusy = false
  }

  /** A release of the app shows patients the recordings of others, two of them open one, and the release is frozen. */
  async #playIncident(): Promise<void> {
    const { api, panel, cards, tokens, clinic, showBug } = this.#settings
    const { release, patients, foreign } = clinic
    const [first, second] = patients
    // Played again, the release is out again.
    if (this.#frozen !== undefined) await api.undo(this.#frozen)
    // What is found again and again is one finding, and one alert. What was played before was a test.
    const before = (await api.findings()).filter(({ rule }) => OF_A_PATIENT.includes(rule))
    await Promise.all(before.map(({ id }) => api.close(id)))
    panel.begin()
    await api.markRelease()
    showBug()
    const listed = foreign.map(({ id }) => id)
    const permitted = await api.list(first.id, (await tokens[0]?.()) ?? '', listed)
    this.#say(
      `Release ${release} of the app is out. It asked for a list of ${listed.length} recordings for ${first.id}: ${permitted} of them may be shown. Two patients open one all the same …`,
    )
    let played = permitted
    for (const card of cards) {
      const status = await card.open(anyOf(foreign, first.id, second.id))
      if (status.startsWith('201')) played++
    }
    const times = await panel.alerted()
    const noticed = `Release ${release} of the app showed two patients the recordings of others. ${played === 0 ? 'Not one of them was played' : `${played} could be played`}, and it was noticed without anyone looking: ${times}.`
    this.#say(noticed)
    if ((await this.#systemic()) === undefined) {
      this.#say(
        `${noticed} No rule has found yet that the release is to blame, so the page doesn’t freeze it.`,
      )
      return
    }
    panel.note(`the page freezes release ${release}, as an analyst does`)
    this.#say(`${noticed} ${await this.#freezeRelease()}`)
  }

  /** Resolves to the finding that says that the release is to blame. */
  async #systemic(): Promise<PageFinding | undefined> {
    const { panel } = this.#settings
    for (const until = performance.now() + PATIENCE; ; ) {
      const found = panel.found.find(({ rule }) => rule === SYSTEMIC)
      if (found !== undefined || performance.now() > until) return found
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY))
      await panel.look()
    }
  }

  async #freezeByHand(): Promise<void> {
    const { panel, clinic } = this.#settings
    panel.note(`you freeze release ${clinic.release}`)
    this.#say(await this.#freezeRelease())
  }

  /** Freezes the release, and returns what came of it in words. */
  async #freezeRelease(): Promise<string> {
    const { api, panel, clinic } = this.#settings
    const { release } = clinic
    const systemic = panel.found.find(({ rule }) => rule === SYSTEMIC)
    // It may be frozen already, by another tab: once is enough, so that it is undone at once, too.
    if ((await api.freeze()) === undefined) await api.addFreeze(systemic?.id)
    await this.#readFreeze()
    const isFrozen = await this.#bothOpen('403')
    if (isFrozen) panel.note('both patients are refused')
    return isFrozen
      ? `Release ${release} is frozen: both patients get a 403, also for their own recordings. Patients with another release play on.`
      : 'The freeze isn’t obeyed yet. It should be within two seconds.'
  }

  async #undo(epoch: number): Promise<void> {
    const { api, panel, clinic } = this.#settings
    panel.note('you undo it')
    await api.undo(epoch)
    const isUndone = await this.#bothOpen('201')
    if (isUndone) panel.note('both patients play again')
    this.#say(
      isUndone
        ? `Release ${clinic.release} plays again, each patient their own recordings.`
        : 'The end of the freeze isn’t obeyed yet. It should be within two seconds.',
    )
  }

  /** Has each patient open a recording of their own, until the gate answers as it should. */
  async #bothOpen(status: string): Promise<boolean> {
    const { cards, clinic } = this.#settings
    const opens = cards.map(async (card, i) => {
      const own = clinic.patients[i]?.recordings[0]?.id ?? ''
      for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
        if ((await card.open(own)).startsWith(status)) return true
        await new Promise(resolve => setTimeout(resolve, LOOK_EVERY))
      }
      return false
    })
    return (await Promise.all(opens)).every(isIt => isIt)
  }

  /** Reads whether the release is frozen: the page may have been loaded again. */
  async #readFreeze(): Promise<void> {
    const { api, clinic } = this.#settings
    this.#frozen = (await api.freeze())?.epoch
    const isFrozen = this.#frozen !== undefined
    this.#freeze.textContent = isFrozen ? 'Undo' : `Freeze release ${clinic.release}`
    this.#freeze.ariaLabel = isFrozen ? `Undo the freeze of release ${clinic.release}` : null
    this.#freeze.toggleAttribute('data-frozen', isFrozen)
  }

  #say(what: string): void {
    this.#says.textContent = what
  }
}

/** Returns any recording that belongs to neither patient: the same one again and again would soon be counted as one refusal. */
function anyOf(recordings: readonly ListedRecording[], ...patients: readonly string[]): string {
  const others = recordings.filter(({ owner }) => !patients.includes(owner))
  return others[Math.floor(Math.random() * others.length)]?.id ?? ''
}
