import type { AnalystServices } from '../authenticate/analyst.ts'
import { readAnalystCall } from '../authenticate/analyst.ts'
import type { Subject } from '../authorize/subject.ts'
import { isObject } from '../base/json.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { responseHeaders } from '../http/response-headers.ts'
import { VERSION } from '../ledger/event.ts'
import { observe } from '../ledger/head.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { PROBE_KEY } from '../recordings/recording.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'
import { ExaminationPace } from './examination-pace.ts'
import { type ExaminedServices, examine, examineRecord } from './examine.ts'
import { countStates, type Finding } from './finding.ts'
import type { Settings } from './settings.ts'

/** What the doctor's endpoint takes beside the request. */
export interface DoctorServices extends AnalystServices, ExaminedServices {
  readonly record: Recorder
  readonly bodyTimeouts: Required<BodyTimeouts>
}

/** What the endpoint answers. */
export interface DoctorAnswer {
  /** The version of the gate. */
  readonly version: string
  /** What time it is for the gate, UTC. */
  readonly time: string
  /** The id of the record of this examination. */
  readonly event: string
  readonly public_url: string | undefined
  /** The path of a recording, for requests from outside that must be refused. */
  readonly path: string
  /** False if findings about other tenants are left out. */
  readonly whole: boolean
  /** The key of the object that was written, if it stays until the next examination. */
  readonly object: string | undefined
  readonly findings: readonly Finding[]
}

const BUSY = 'The gate is being examined by another call: try again in a few seconds'
/** Most bytes of a call. */
const MAX_BODY = 1024

/**
 * Creates the endpoint that examines the gate, where the gate runs. Requires the role `security`. The examination is on
 * record before its findings leave.
 */
export function doctorEndpoint(services: DoctorServices): Endpoint {
  const { record, settings, now } = services
  const pace = new ExaminationPace()
  return {
    allow: () => 'POST, OPTIONS',

    async handle(context) {
      const call = await readAnalystCall(context, services, { action: 'operate', most: MAX_BODY })
      if (call instanceof Refusal) return call
      const { subject, tenant } = call.analyst
      const keepObject = readKeepObject(call.json)
      if (keepObject instanceof Refusal) return keepObject

      const begun = now()
      if (!pace.begin(begun)) return new Refusal('doctor_busy', BUSY)
      const isWhole = tenant === undefined
      const shown = (all: readonly Finding[]) =>
        isWhole ? all : all.filter(finding => mayKnow(subject, finding))
      const examined = examine(services, { network: context.network(), keepObject, isWhole })
      const findings = shown(await examined.finally(() => pace.end(begun)))
      const event = await record(observe(context), {
        kind: 'console',
        decision: 'permit',
        action: 'doctor',
        // The caller can read the record, so it counts what the caller may know.
        findings: countStates(findings),
      }).catch(Fault.as('ledger_unavailable'))
      const found = shown(await examineRecord(services, event))
      const answer: DoctorAnswer = {
        version: VERSION,
        time: new Date(now()).toISOString(),
        event,
        public_url: settings.publicUrl,
        path: pathOf(settings),
        whole: isWhole,
        object: keepObject ? PROBE_KEY : undefined,
        findings: [...findings, ...found],
      }
      return Response.json(answer, { headers: responseHeaders() })
    },
  }
}

/** Fills in the first URL pattern. */
function pathOf({ locations }: Pick<Settings, 'locations'>): string {
  const [first] = locations
  return (first?.url ?? '/').replace(':recording', 'doctor').replace(/:part\+?$/, 'part')
}

/** Reads `{}` or `{"keep_object":true}`. */
function readKeepObject(body: unknown): boolean | Refusal {
  const { keep_object: keep = false, ...unknown } = isObject(body) ? body : { body }
  return typeof keep === 'boolean' && Object.keys(unknown).length === 0
    ? keep
    : new Refusal('query_invalid', 'The body must be {} or {"keep_object":true}')
}

/** The checks that say nothing of other tenants: of their providers, of their apps, and of how much they do. */
const SHARED: ReadonlySet<string> = new Set([
  'public_url',
  'views',
  'clock',
  'recordings',
  'ledger',
  'control',
  'record',
])

/** Whether an analyst of one tenant may know a finding: that of a shared part, or of the entry of its own token. */
function mayKnow({ entry, issuer }: Subject, finding: Finding): boolean {
  const isOwn = finding.entry === (entry ?? issuer) && (finding.issuer ?? issuer) === issuer
  return isOwn || SHARED.has(finding.check)
}
