import { readFileSync } from 'node:fs'
import { loadDataType, OperationOutcomeError, validateResource } from '@medplum/core'
import { SCHEMAS_PRESENT, schema } from './rendering.ts'

// Checks AuditEvents with the validator of Medplum, against the profiles of IHE BALP and our own. What the validator leaves
// out is checked here from the same profiles: what they say within a slice.

export interface Element {
  readonly id: string
  readonly path: string
  readonly sliceName?: string
  readonly slicing?: { readonly discriminator: readonly { readonly path: string }[] }
  readonly min?: number
  readonly max?: string
  readonly base?: { readonly min: number; readonly max: string }
  readonly type?: readonly { readonly code: string; readonly targetProfile?: readonly string[] }[]
  readonly [name: `pattern${string}` | `fixed${string}`]: unknown
}
export interface Profile {
  readonly url: string
  readonly snapshot: { readonly element: readonly Element[] }
  readonly differential: { readonly element: readonly Element[] }
}
type Resource = Readonly<Record<string, unknown>>

/** Names of the members with which an element fixes its value. */
const FIXED = /^(?:pattern|fixed)[A-Z]/

/** Our own profile, as SUSHI compiled it from docs/fhir, without its prose. */
export const RECORDING_READ_DENIED: Profile = JSON.parse(
  readFileSync('test/vectors/recording-read-denied.snapshot.json', 'utf8'),
)
const BALP = ['PatientRead', 'OAUTHaccessTokenUse.Comprehensive'].flatMap((name): Profile[] =>
  SCHEMAS_PRESENT ? [JSON.parse(schema(`balp/StructureDefinition-IHE.BasicAudit.${name}.json`))] : [],
)
const PROFILES = [RECORDING_READ_DENIED, ...BALP]

/** AuditEvent itself: our profile without what it adds. Each element of a profile says what it was in the base. */
const AUDIT_EVENT: Profile = {
  ...RECORDING_READ_DENIED,
  url: 'http://hl7.org/fhir/StructureDefinition/AuditEvent',
  snapshot: {
    element: RECORDING_READ_DENIED.snapshot.element
      .filter(({ id }) => !id.includes(':'))
      .map(({ slicing: _, ...element }) => ({
        ...(Object.fromEntries(
          Object.entries(element).filter(([name]) => !FIXED.test(name)),
        ) as unknown as Element),
        min: element.base?.min ?? 0,
        max: element.base?.max ?? '*',
      })),
  },
}
for (const profile of [AUDIT_EVENT, ...PROFILES]) loadDataType(profile as never)

/** Returns the names of the profiles that a resource says it conforms to. */
export const profilesOf = (resource: Resource): readonly string[] =>
  (resource.meta as { profile?: readonly string[] } | undefined)?.profile ?? []

/** Returns what is wrong with an AuditEvent, by FHIR and by each profile that it says it conforms to. */
export function faultsOf(resource: Resource): readonly string[] {
  return [AUDIT_EVENT.url, ...profilesOf(resource)].flatMap(url => {
    const profile = [AUDIT_EVENT, ...PROFILES].find(profile => profile.url === url)
    if (profile === undefined) return [`${url} is not known`]
    return [...validatorFaults(resource, profile), ...sliceFaults(resource, profile)]
  })
}

function validatorFaults(resource: Resource, profile: Profile): readonly string[] {
  try {
    const issues = validateResource(resource as never, { profile: profile as never })
    return issues.map(({ details }) => details?.text ?? '')
  } catch (error) {
    if (error instanceof OperationOutcomeError) return [error.message]
    throw error
  }
}

/** Cardinality, values and types of references within the slices of a profile. */
function sliceFaults(resource: Resource, { snapshot: { element: elements } }: Profile): readonly string[] {
  return elements.flatMap(slice => {
    const sliced = elements.find(({ id }) => id === slice.path)
    if (slice.sliceName === undefined || sliced?.slicing === undefined) return []
    const [discriminator] = sliced.slicing.discriminator
    const telling = elements.find(({ id }) => id === `${slice.id}.${discriminator?.path}`)
    const name = slice.path.replace('AuditEvent.', '')
    const items = (resource[name] ?? []) as readonly Resource[]
    return items
      .filter(item => telling !== undefined && matches(at(item, [discriminator?.path ?? ''])[0], telling))
      .flatMap(item =>
        elements
          .filter(({ id }) => id.startsWith(`${slice.id}.`))
          .flatMap(element => elementFaults(item, element, element.id.slice(slice.id.length + 1))),
      )
  })
}

function elementFaults(item: Resource, element: Element, path: string): readonly string[] {
  const names = path.split('.')
  const parents = at(item, names.slice(0, -1))
  const { min = 0, max = '*' } = element
  const targets = element.type?.flatMap(({ targetProfile = [] }) => targetProfile) ?? []
  return parents.flatMap(parent => {
    const values = at(parent, names.slice(-1))
    const types = values.flatMap(value => (targets.length > 0 ? (typeOf(value) ?? []) : []))
    return [
      ...(values.length < min && !path.endsWith('[x]') ? [`${element.id} is missing`] : []),
      ...(max !== '*' && values.length > Number(max) ? [`${element.id} is too much`] : []),
      ...values.filter(value => !matches(value, element)).map(() => `${element.id} has another value`),
      ...types
        .filter(type => !targets.some(target => target.endsWith(`/${type}`) || target.endsWith('/Resource')))
        .map(type => `${element.id} refers to a ${type}`),
    ]
  })
}

/** The type of what a reference refers to: as it says itself, or as its literal has it. */
function typeOf(value: unknown): string | undefined {
  const { type, reference } = value as { type?: string; reference?: string }
  return reference?.split('/').at(-2) ?? type
}

/** All values at a path. */
const at = (value: unknown, path: readonly string[]): readonly unknown[] =>
  path.reduce<readonly unknown[]>(
    (found, name) => found.flatMap(value => (value as Resource)[name] ?? []),
    [value],
  )

/** The value that an element must have, if it is fixed. */
const fixedValue = (element: Element): unknown =>
  Object.entries(element).find(([name]) => FIXED.test(name))?.[1]

/** Whether a value has all that the pattern of an element has. */
const matches = (value: unknown, element: Element): boolean => contains(value, fixedValue(element))
function contains(value: unknown, pattern: unknown): boolean {
  if (pattern === undefined) return true
  if (Array.isArray(pattern))
    return pattern.every(item => Array.isArray(value) && value.some(value => contains(value, item)))
  if (typeof pattern !== 'object' || pattern === null) return value === pattern
  return Object.entries(pattern).every(([name, member]) =>
    contains((value as Resource | undefined)?.[name], member),
  )
}
