import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'

const FILE = 'schemas/record.schema.json'

/** The part of the schema that tests look into. */
export interface RecordSchema {
  readonly oneOf: readonly SchemaPart[]
  readonly $defs: Readonly<Record<string, SchemaPart>>
}
export interface SchemaPart {
  readonly $ref?: string
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, SchemaPart>>
  readonly oneOf?: readonly SchemaPart[]
}

/** The published JSON Schema of records. */
export const recordSchema: RecordSchema = JSON.parse(readFileSync(FILE, 'utf8'))

// The types and required members of a kind are partly those of the part that it refers to.
const ajv = new Ajv2020({ strictRequired: false, strictTypes: false, allErrors: true })
ajv.addSchema(recordSchema, 'record')

/** Returns what is wrong with a record by the published schema: nothing if it is valid. */
export function recordErrors(json: string): readonly string[] {
  const record = JSON.parse(json) as { readonly kind?: string }
  // The schema of its kind says more of an error than the choice between all kinds.
  const ref = `#/$defs/${record.kind}`
  const isKind = recordSchema.oneOf.some(({ $ref }) => $ref === ref)
  const validate = isKind ? ajv.getSchema(`record${ref}`) : undefined
  if (validate === undefined) return [`the kind ${record.kind} has no schema`]
  if (validate(record) === true) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}
