import { REASONS } from '../../src/reason.ts'

// The FHIR code system of the reasons, as src/reason.ts has them: what docs/fhir must say.

/** Canonical URL of what docs/fhir defines. A hospital that publishes it replaces this by its own. */
export const CANONICAL = 'https://mediaward.example/fhir'

const TITLE = 'Reasons for refusing a request'
const DESCRIPTION = 'Why the gate refused a request. Codes are only added, never renamed or reused.'

const concepts = Object.entries(REASONS).flatMap(([stage, reasons]) =>
  reasons.map(code => ({
    code,
    display: code.replaceAll('_', ' '),
    definition: `Refused at the stage ${stage}.`,
  })),
)

/** Returns the code system as FHIR Shorthand. */
export function denyReasonShorthand(): string {
  const lines = concepts.map(
    ({ code, display, definition }) => `* #${code} ${JSON.stringify(display)} ${JSON.stringify(definition)}`,
  )
  return `CodeSystem: RecordingDenyReason
Id: recording-deny-reason
Title: ${JSON.stringify(TITLE)}
Description: ${JSON.stringify(DESCRIPTION)}
* ^caseSensitive = true
${lines.join('\n')}
`
}

/** Returns the code system as a FHIR resource. */
export function denyReasonCodeSystem(): object {
  return {
    resourceType: 'CodeSystem',
    id: 'recording-deny-reason',
    url: `${CANONICAL}/CodeSystem/recording-deny-reason`,
    name: 'RecordingDenyReason',
    title: TITLE,
    status: 'active',
    description: DESCRIPTION,
    caseSensitive: true,
    content: 'complete',
    count: concepts.length,
    concept: concepts,
  }
}
