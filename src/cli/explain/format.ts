import { printable } from '../../base/operator.ts'
import type { Explanation, Step } from '../../explain/explanation.ts'

const MARKS: Readonly<Record<Step['outcome'], string>> = { pass: '✔', fail: '✘', skip: '–' }
const NAME_WIDTH = 17
const CAME_WIDTH = 34
/** Most characters of a line: room for some values of the greatest length that is shown. */
const MAX_LINE = 4000

/** Formats an explanation for people: a line for each step, then the verdict, then how to fix what is wrong. */
export function formatExplanation(explanation: Explanation, isOffline: boolean): string {
  const { steps, mistakes } = explanation
  const fixes = mistakes.flatMap(({ reason, found, fix }, index) => [
    '',
    `${index === 0 ? 'What is wrong' : 'Also wrong'} (${reason}): ${found}.`,
    `To fix it: ${fix}.`,
  ])
  const shown = steps.filter(({ outcome, came, configured }) => outcome !== 'skip' || came || configured)
  return [...shown.map(formatStep), '', verdictOf(explanation, isOffline), ...fixes].map(plain).join('\n')
}

function formatStep({ step, outcome, came = '', configured }: Step): string {
  const expected = configured === undefined ? '' : `  configured: ${configured}`
  return `${MARKS[outcome]} ${step.padEnd(NAME_WIDTH)}${came.padEnd(CAME_WIDTH)}${expected}`.trimEnd()
}

function verdictOf({ decision, status, reason, entry, steps }: Explanation, isOffline: boolean): string {
  const of = entry === undefined ? '' : ` (entry ${JSON.stringify(entry)})`
  if (decision === 'deny') return `Refused: ${status} ${reason}${of}`
  const isPlaying = steps.some(({ step, outcome }) => step === 'path' && outcome === 'pass')
  return isOffline && isPlaying
    ? `Accepted${of}. Whether the recording is there and the subject's own, the gate says: name it with --url`
    : `Permitted: ${status}${of}`
}

/** A gate may send anything. A terminal obeys control characters. */
const plain = (line: string): string => printable(line, MAX_LINE)
