import { Failure } from '../../doctor/failure.ts'
import { notChecked, type Outcome, warning } from '../../doctor/finding.ts'
import { PROBE_KEY } from '../../recordings/recording.ts'
import { ROUTE, type SeenAnswer } from './outside-probes.ts'

/** An address that must not serve something, and what it answered. */
export interface MaybeAbsent {
  /** The option that named the address. */
  readonly option: string
  /** The address, as findings name it. */
  readonly name: string
  readonly url: URL
  readonly answer: SeenAnswer | Failure
}

/** Returns whether an answer says nothing of what is there: there is none, or its server is overloaded or fails. */
export function isNoAnswer(answer: SeenAnswer | Failure): boolean {
  return answer instanceof Failure || answer.status === 429 || answer.status >= 500
}

/** Describes an answer, or why there is none. */
export const describe = (answer: SeenAnswer | Failure | undefined): string =>
  answer instanceof Failure ? answer.why : `status ${answer?.status ?? 'unknown'}`

/** Judges an address that could not be asked, or sends clients elsewhere: that proves nothing. Undefined if it answered. */
export function judgeSilence({ option, name, url, answer }: MaybeAbsent): Outcome | undefined {
  const spelling = `check the spelling of ${option}`
  if (answer instanceof Failure) {
    return answer.why === 'ENOTFOUND'
      ? warning(`the name of ${name} does not exist (ENOTFOUND)`, spelling)
      : notChecked(
          `${name} could not be asked (${answer.why})`,
          `${spelling}, and that it can be reached from here`,
        )
  }
  if (isNoAnswer(answer)) {
    return notChecked(`${name} can't answer at the moment (${describe(answer)})`, 'run this again in a while')
  }
  if (answer.status < 300 || answer.status >= 400) return undefined
  const place = targetOf(url, answer)
  return place === undefined
    ? notChecked(`${name} leads elsewhere (${describe(answer)})`, 'look at where it leads')
    : notChecked(`${name} leads to ${place} (${describe(answer)})`, `name that address with ${option}, too`)
}

/** Returns the address that a redirect leads to, without the path that was asked for. */
function targetOf(url: URL, { headers }: SeenAnswer): string | undefined {
  const location = headers.get('location')
  if (location === null || !URL.canParse(location, url.href)) return undefined
  const { origin, pathname } = new URL(location, url)
  const asked = [`/${PROBE_KEY}`, ROUTE].find(path => pathname.endsWith(path)) ?? ''
  return `${origin}${asked === '' ? pathname : pathname.slice(0, -asked.length)}`
}
