/** A recording in a list of the page. */
export interface ListedRecording {
  readonly id: string
  /** The patient whose recording it is. */
  readonly owner: string
}

/** One of the two patients on the page. */
export interface ListedPatient {
  readonly id: string
  /** Their own recordings. */
  readonly recordings: readonly ListedRecording[]
}

/** What the page shows. Its server writes it, and the page reads it. */
export interface Clinic {
  /** The origin of the gate. */
  readonly gate: string
  /** The path of a recording at the gate, with `:recording` in place of its id. */
  readonly path: string
  /** The release of the app that the page is. It sends it with each request of a patient. */
  readonly release: string
  /** What each rule finds, in one line, by the rule's id. */
  readonly rules: Readonly<Record<string, string>>
  readonly patients: readonly [ListedPatient, ListedPatient]
  /** The recordings that the bug puts into the list of the first patient: all of them belong to other patients. */
  readonly foreign: readonly ListedRecording[]
  /** The patients by their pseudonyms in the log. */
  readonly names: Readonly<Record<string, string>>
}

/** Loads what the page shows. */
export async function loadClinic(): Promise<Clinic> {
  const response = await fetch('/clinic.json')
  if (!response.ok) throw new Error(`the page's server answered ${response.status}`)
  return (await response.json()) as Clinic
}

/** Creates a function that returns a token of a person of the demo clinic. Gets a new one before the last one ends. */
export function createTokenSource(person: string): () => Promise<string> {
  let token: Promise<string> | undefined
  const request = async (): Promise<string> => {
    const response = await fetch(`/token/${person}`, { method: 'POST' })
    if (!response.ok) throw new Error(`the page's server answered ${response.status}`)
    const issued = (await response.json()) as { readonly token: string; readonly expires_in: number }
    setTimeout(forget, issued.expires_in * 1000 * RENEW_AT)
    return issued.token
  }
  const forget = () => {
    token = undefined
  }
  return () => {
    token ??= request().catch((error: unknown) => {
      // The next call tries again.
      forget()
      throw error
    })
    return token
  }
}

/** The share of a token's life after which the page gets another one. */
const RENEW_AT = 0.8
