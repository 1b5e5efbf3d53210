import {
  compact,
  type Deployment,
  type Json,
  type JsonObject,
  type LogEntry,
  oneLine,
  ownMembers,
  type Target,
} from './entry.ts'
import { type Activity, type Facts, factsOf } from './facts.ts'

const BALP = 'https://profiles.ihe.net/ITI/BALP'
const HL7 = 'http://terminology.hl7.org/CodeSystem'
const DCM = 'http://dicom.nema.org/resources/ontology/DCM'

/** Interaction of FHIR's REST and action code of each activity. */
const ACTIVITIES: Readonly<Record<Activity, readonly [interaction: string, action: string]>> = {
  create: ['create', 'C'],
  read: ['read', 'R'],
  change: ['update', 'U'],
  delete: ['delete', 'D'],
  other: ['operation', 'E'],
}
/** Success, and serious failure, which is BALP's code for an access that was denied. */
const OUTCOMES = { success: '0', failure: '8', unknown: undefined }

/**
 * Renders a record as an AuditEvent of FHIR R4 (4.0.1).
 *
 * - A view or delivery conforms to the profiles PatientRead and OAUTHaccessTokenUse.Comprehensive of IHE BALP, if the
 *   record has the facts that they require.
 * - The refusal of a read conforms to the profile `recording-read-denied` in `docs/fhir`, since BALP has none for it.
 * - Every other record is a valid AuditEvent without a profile.
 *
 * References to people are logical, since no resource has a pseudonym as its id. The details of the transaction are the
 * record itself, with its index.
 */
export function renderFhir(entry: LogEntry, { product, host, fhir }: Deployment): JsonObject {
  const { id, event } = entry
  const { client, net, issuer, subject, token, reason } = event
  const facts = factsOf(entry)
  const [interaction, action] = ACTIVITIES[facts.activity]
  const gate = { display: `${product} at ${host}` }
  const network = net?.prefix && { address: clean(net.prefix), type: '2' }
  const person = (value: string | undefined) => identified(issuer && word(issuer), value)
  const refersTo = (type: string, system: string, value: string | undefined) =>
    value === undefined ? undefined : { type, ...identified(`${fhir}/${system}`, value) }
  return compact({
    resourceType: 'AuditEvent',
    id,
    meta: { profile: profilesOf(entry, facts, fhir) },
    type: coding(`${HL7}/audit-event-type`, 'rest'),
    subtype: [
      coding('http://hl7.org/fhir/restful-interaction', interaction),
      reason === undefined ? undefined : coding(`${fhir}/CodeSystem/recording-deny-reason`, word(reason)),
    ],
    action,
    period: { start: event.t },
    recorded: event.recorded ?? event.t,
    outcome: OUTCOMES[facts.outcome],
    outcomeDesc: clean(facts.message),
    agent: [
      agent(coding(DCM, '110152'), identified(undefined, client ?? 'unknown'), {
        network,
        requestor: subject === undefined,
      }),
      agent(coding(DCM, '110153'), gate, { network: { address: `https://${host}`, type: '5' } }),
      agent(coding(DCM, '110150'), identified(undefined, client), { network }),
      agent(coding(`${HL7}/v3-ParticipationType`, 'IRCP'), person(subject), {
        requestor: true,
        policy: token === undefined ? [] : [`urn:ietf:params:oauth:jti:${word(token)}`],
      }),
      // The actor that acts for the subject (RFC 8693).
      agent(coding(`${HL7}/v3-RoleClass`, 'AGNT'), person(event.actor), {}),
    ],
    source: { site: host, observer: gate, type: [coding(`${HL7}/security-source-type`, '4')] },
    entity: [
      ...facts.targets.flatMap(target => [
        entity('1', '1', refersTo('Patient', 'pseudonym', target.owner)),
        entity('2', '4', refersTo('Media', 'recording', target.recording), decisionOf(target, facts)),
      ]),
      {
        what: identified(undefined, id),
        type: coding(`${BALP}/CodeSystem/BasicAuditEntityType`, 'XrequestId'),
        detail: details(ownMembers(entry)),
      },
    ],
  })
}

const coding = (system: string, code: string): JsonObject => ({ system, code })
const identified = (system: string | undefined, value: string | undefined): JsonObject | undefined =>
  value === undefined ? undefined : { identifier: { system, value: clean(value) } }

/** Returns an agent of a type, if the record says who that is. */
const agent = (type: JsonObject, who: JsonObject | undefined, more: JsonObject): Json =>
  who && { type: { coding: [type] }, who, requestor: false, ...more }

/** Returns an entity with the codes of its type and role, if the record says what that is. */
const entity = (type: string, role: string, what: JsonObject | undefined, about: object = {}): Json =>
  what && {
    what,
    type: coding(`${HL7}/audit-entity-type`, type),
    role: coding(`${HL7}/object-role`, role),
    detail: details(about),
  }

/** Returns the answer for a recording. Only a list has one for each. */
const decisionOf = ({ decision, reason }: Target, { targets }: Facts): object =>
  targets.length > 1 ? { decision, reason } : {}

/** Returns the profiles of a read: BALP's if it was permitted, ours if it was refused. They are for one recording only. */
function profilesOf({ event }: LogEntry, facts: Facts, fhir: string): readonly string[] {
  const { kind, reason, subject, client, token, net } = event
  const { activity, outcome, targets } = facts
  if (targets.length !== 1 || targets[0]?.recording === undefined || activity !== 'read') return []
  if (kind === 'access' && outcome === 'failure' && reason !== undefined)
    return [`${fhir}/StructureDefinition/recording-read-denied`]
  const isRead = (kind === 'view' || kind === 'delivery') && outcome === 'success'
  if (!isRead || targets[0].owner === undefined || !net?.prefix) return []
  const balp = ['PatientRead', client && subject && token && 'OAUTHaccessTokenUse.Comprehensive']
  return balp.flatMap(name => (name ? `${BALP}/StructureDefinition/IHE.BasicAudit.${name}` : []))
}

/** A value of FHIR's type string, which has no control characters, and something besides blanks. */
const clean = (value: string): string => oneLine(value).trim() || '-'
/** A value of FHIR's types code and uri, which have no blanks. */
const word = (value: string): string => oneLine(value).replace(/\s/g, '_') || '-'

/** The members of an object as a list of `AuditEvent.entity.detail`: strings as they are, everything else as JSON. */
const details = (members: object): readonly JsonObject[] =>
  Object.entries(members).flatMap(([type, value]) =>
    value === undefined
      ? []
      : { type: clean(type), valueString: clean(typeof value === 'string' ? value : JSON.stringify(value)) },
  )
