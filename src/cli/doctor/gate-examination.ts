import { setTimeout as delay } from 'node:timers/promises'
import { isLoopback } from '../../base/url.ts'
import { type Finding, runChecks } from '../../doctor/finding.ts'
import { parseUrl } from '../../doctor/settings.ts'
import { describeRefusal, requestGate, requireAnswer } from '../client.ts'
import { stringMember } from '../json.ts'
import { type GateAnswer, parseAnswer } from './gate-answer.ts'
import { OUTSIDE_CHECKS } from './outside-checks.ts'
import { askBucket, askForGate, askForRefusal, askReady, sendLongToken } from './outside-probes.ts'
import type { Report } from './report.ts'

/** What to examine. */
export interface GateExamination {
  readonly gate: URL
  readonly token: string
  /** What may be public addresses of the bucket. */
  readonly buckets: readonly URL[]
  /** What may be other addresses of the gate. */
  readonly others: readonly URL[]
}

/**
 * Has a gate examine itself, and looks at it from here.
 *
 * @throws UsageError if the gate refuses; Error if it doesn't answer
 */
export async function examineGate({ gate, token, buckets, others }: GateExamination): Promise<Report> {
  // The object must be there while the addresses of the bucket are asked for it. The second examination removes it.
  const keeping = buckets.length === 0 ? undefined : await callDoctor(gate, token, true)
  const seen = await Promise.all(buckets.map(askBucket))
  const answer = await callDoctor(gate, token, false)
  const { version, whole, publicUrl, path, findings } = answer
  const elsewhere = publicUrl === undefined || publicUrl === gate.origin ? undefined : parseUrl(publicUrl)
  const plain =
    isLoopback(gate) || gate.protocol !== 'https:' ? undefined : new URL(`http://${gate.hostname}`)
  const [atPublicUrl, withoutTls, refusals, longToken, ready, atOthers] = await Promise.all([
    elsewhere && askForGate(elsewhere),
    plain && askForGate(plain),
    askForRefusal(gate, path),
    sendLongToken(gate),
    askReady(gate),
    Promise.all(others.map(askForGate)),
  ])
  const outside = runChecks('outside', OUTSIDE_CHECKS, {
    url: gate,
    publicUrl,
    atPublicUrl,
    withoutTls,
    refusals,
    longToken,
    ready,
    ahead: answer.ahead,
    isObjectThere: keeping?.findings.some(hasWritten) === true,
    buckets: seen,
    others: atOthers,
  })
  return { title: `Mediaward ${version} at ${gate.origin}`, whole, findings: [...findings, ...outside] }
}

const hasWritten = ({ check, state }: Finding): boolean => check === 'recordings' && state === 'ok'

/** Most seconds that are waited for the gate to be ready. */
const MAX_WAIT = 30

async function callDoctor(gate: URL, token: string, keepObject: boolean): Promise<GateAnswer> {
  let response = await postDoctor(gate, token, keepObject)
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN)
  if (response.status === 503 && wait <= MAX_WAIT) {
    // A gate begins one examination in 2 seconds at most.
    await response.body?.cancel()
    await delay(wait * 1000)
    response = await postDoctor(gate, token, keepObject)
  }
  if (response.status === 503) {
    const problem: unknown = await response
      .clone()
      .json()
      .catch(() => undefined)
    // Only a gate that is busy says what to do.
    const isBusy = stringMember(problem, 'detail') !== undefined
    const advice = isBusy
      ? ''
      : ': look at its console, and examine its configuration with --wrangler or --vars'
    throw new Error(`the gate answered ${await describeRefusal(response)}${advice}`)
  }
  const answered = await requireAnswer(response, 'operate')
  return parseAnswer(await answered.json().catch(() => undefined), Date.now())
}

const postDoctor = (gate: URL, token: string, keepObject: boolean): Promise<Response> =>
  requestGate(new URL('/console/api/doctor', gate), token, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ keep_object: keepObject }),
  })
