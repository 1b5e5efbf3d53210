import { type Clinic, createTokenSource, loadClinic } from './clinic.ts'
import { find } from './element.ts'
import { type FindRecord, PatientCard } from './patient-card.ts'
import { RecordLog } from './record-log.ts'

// The demo clinic's page: two patients, and the gate's log. It asks the gate as an app of another origin does.

const announcement = find(document, '#announcement', HTMLElement)

function start({ gate, path, patients, foreign, names }: Clinic): void {
  const log = new RecordLog({ gate, names, token: createTokenSource('analyst') })
  const cards = patients.map(
    patient =>
      new PatientCard({
        patient,
        token: createTokenSource(patient.id),
        urlOf: recording => gate + path.replace(':recording', recording),
        onRequest: () => createFinder(log),
      }),
  )
  find(document, '#patients', HTMLElement).replaceChildren(...cards.map(({ element }) => element))

  const bug = find(document, '#bug', HTMLButtonElement)
  const [{ id: victim }] = patients
  find(document, '#bug-patient', HTMLElement).textContent = victim
  bug.addEventListener('click', () => {
    const isOn = bug.ariaChecked !== 'true'
    bug.ariaChecked = `${isOn}`
    cards[0]?.showForeign(isOn ? foreign : [])
    announcement.textContent = isOn
      ? `${foreign.length} recordings of other patients are in the list of ${victim}.`
      : `The list of ${victim} has only their own recordings.`
  })
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
