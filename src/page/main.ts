import { type Clinic, createTokenSource, loadClinic } from './clinic.ts'
import { ConsoleApi } from './console-api.ts'
import { find } from './element.ts'
import { FindingsPanel } from './findings-panel.ts'
import { Incident } from './incident.ts'
import { type FindRecord, PatientCard } from './patient-card.ts'
import { RecordLog } from './record-log.ts'

// The demo clinic's page: two patients, what the gate's rules found, and its log. It asks the gate as an app of another origin does.

const announcement = find(document, '#announcement', HTMLElement)

function start(clinic: Clinic): void {
  const { gate, path, release, patients, foreign, names } = clinic
  const analyst = createTokenSource('analyst')
  const log = new RecordLog({ gate, names, token: analyst })
  const tokens = patients.map(({ id }) => createTokenSource(id))
  const cards = patients.map(
    (patient, i) =>
      new PatientCard({
        ...{ patient, release },
        token: async () => (await tokens[i]?.()) ?? '',
        urlOf: recording => gate + path.replace(':recording', recording),
        onRequest: () => createFinder(log),
      }),
  )
  find(document, '#patients', HTMLElement).replaceChildren(...cards.map(({ element }) => element))

  const bug = find(document, '#bug', HTMLButtonElement)
  const [{ id: victim }] = patients
  find(document, '#bug-patient', HTMLElement).textContent = victim
  const switchBug = (isOn: boolean, of: readonly PatientCard[]) => {
    bug.ariaChecked = `${isOn}`
    for (const [i, card] of of.entries()) {
      card.showForeign(isOn ? foreign.filter(({ owner }) => owner !== patients[i]?.id) : [])
    }
  }
  bug.addEventListener('click', () => {
    const isOn = bug.ariaChecked !== 'true'
    // Of the second patient, only the incident changes the list.
    switchBug(isOn, isOn ? cards.slice(0, 1) : cards)
    announcement.textContent = isOn
      ? `${foreign.length} recordings of other patients are in the list of ${victim}.`
      : `The list of ${victim} has only their own recordings.`
  })
  const api = new ConsoleApi({ gate, release, token: analyst })
  const panel = new FindingsPanel(api, clinic)
  new Incident({ clinic, api, panel, cards, tokens, showBug: () => switchBug(true, cards) })
  void panel.follow()
  void log.follow()
}

/** Creates what finds the record of a request, and marks it in the log. Call it before the request. */
function createFinder(log: RecordLog): FindRecord {
  const before = log.ids
  return async ({ patient, recording, plays, status, event }) => {
    // It is there by now: the gate records a refusal, or a ticket, before the answer leaves.
    await log.read().catch(() => {})
    const id = event ?? log.ticketOf(patient, recording, before)
    const sentence = id === undefined ? undefined : log.mark(id)
    announcement.textContent = `${recording} ${plays ? 'plays' : 'is refused'}: ${status}. ${sentence === undefined ? '' : `On record: ${sentence}`}`
    return sentence === undefined ? undefined : id
  }
}

await loadClinic()
  .then(start)
  .catch((error: unknown) => {
    announcement.classList.remove('unseen')
    announcement.textContent = `The page can’t start: ${error instanceof Error ? error.message : error}`
  })
