import type { EventHead } from '../ledger/event.ts'

/**
 * What a rendering reads of a record. Every `LedgerEvent` fits. So does a record of a kind that this version doesn't
 * know, as a newer gate may have written it: it is rendered from what all kinds have in common.
 */
export interface RenderedEvent extends EventHead {
  readonly kind: string
  readonly decision?: 'permit' | 'deny'
  readonly reason?: string
  readonly status?: number
  readonly method?: string
  readonly range?: string
  /** What an analyst did in the console. */
  readonly action?: string
  /** Pseudonym of the subject that a list or an explanation is about. */
  readonly about?: string
  /** Id of the record of the view that a delivery belongs to. */
  readonly view?: string
  readonly bytes?: number
  /** Of a list: the answer for each recording. Of a delivery: how many answers there were. */
  readonly answers?: number | readonly Target[]
  readonly repeats?: { readonly until: string } | { readonly count: number }
  /** Of a flood: how many refusals the record sums up. */
  readonly sum?: { readonly until: string } | { readonly count: number }
  /** How many records are missing, or how many detections a finding has. */
  readonly count?: number
  /** Of a finding: its id, its rule, how bad it is, and the ids of records and findings that it is made of. */
  readonly finding?: string
  readonly rule?: string
  readonly severity?: string
  readonly evidence?: readonly string[]
  readonly related?: readonly string[]
}

/** A recording that a record is about, and what was decided about it if a record decides about several. */
export interface Target {
  readonly recording?: string | undefined
  readonly owner?: string | undefined
  readonly decision?: 'permit' | 'deny'
  readonly reason?: string
}

/** A record of the log, with its place in it. */
export interface LogEntry {
  /** The record's index in the log: 0, 1, 2, … without a gap. */
  readonly index: number
  readonly id: string
  readonly event: RenderedEvent
}

/** What a rendering says of the deployment that wrote the log. */
export interface Deployment {
  readonly vendor: string
  readonly product: string
  /** Host name at which clients reach the gate. */
  readonly host: string
  /** What the gate runs on, such as `Cloudflare` or `Node`. OCSF calls it the cloud provider. */
  readonly platform: string
  /** Base URL under which the hospital publishes the profile and the code system of `docs/fhir`, without a slash at its end. */
  readonly fhir: string
  /**
   * The operator's private enterprise number (IANA). With it, messages have structured data of our own (RFC 5424 6.3.2).
   * Default: only the registered element `origin`.
   */
  readonly enterprise?: number
}

/** A JSON value, in which members may be undefined. */
export type Json =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Json[]
  | { readonly [name: string]: Json }
/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: Json
}

/** Removes what is undefined from an object, at every depth, and the objects and arrays that are empty then. */
export function compact(object: JsonObject): JsonObject {
  return (compacted(object) ?? {}) as JsonObject
}

function compacted(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = value.map(compacted).filter(item => item !== undefined)
    return items.length > 0 ? items : undefined
  }
  const members = Object.entries(value)
    .map(([name, member]) => [name, compacted(member)] as const)
    .filter(([, member]) => member !== undefined)
  return members.length > 0 ? Object.fromEntries(members) : undefined
}

/** Returns the record itself with its index, as formats with room for members of our own carry it. */
export function ownMembers({ index, event }: LogEntry): JsonObject {
  return { ...event, index } as unknown as JsonObject
}

/**
 * Replaces each control character in a string, and each character that a receiver may take for the end of a line, by a
 * blank. So no string in a record begins a second message.
 */
export const oneLine = (value: string): string => value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
