import type { Finding, Group, State } from '../../doctor/finding.ts'
import { member, stringMember } from '../json.ts'

/** What a gate says of itself. */
export interface GateAnswer {
  readonly version: string
  readonly whole: boolean
  readonly publicUrl: string | undefined
  /** The path of a made-up recording. */
  readonly path: string
  /** How many seconds its clock is ahead. */
  readonly ahead: number
  readonly findings: readonly Finding[]
}

const STATES: readonly string[] = ['ok', 'warning', 'failed', 'not_checked'] satisfies State[]

/**
 * Reads the answer of a gate.
 *
 * @param at when it came, in milliseconds since 1970
 * @throws Error if it isn't one
 */
export function parseAnswer(json: unknown, at: number): GateAnswer {
  const [version, time, path] = ['version', 'time', 'path'].map(name => stringMember(json, name))
  const findings = member(json, 'findings')
  if (version === undefined || time === undefined || path === undefined || !Array.isArray(findings)) {
    throw new Error('what answers there is not the doctor of a gate')
  }
  return {
    version,
    path,
    whole: member(json, 'whole') === true,
    publicUrl: stringMember(json, 'public_url'),
    ahead: (Date.parse(time) - at) / 1000,
    findings: findings.map(parseFinding),
  }
}

/** A gate of a later version may have groups and checks that this command doesn't know. */
function parseFinding(json: unknown): Finding {
  const [group, check, state, found, fix, entry, issuer] = [
    ...['group', 'check', 'state', 'found', 'fix', 'entry', 'issuer'],
  ].map(name => stringMember(json, name))
  if (group === undefined || check === undefined || found === undefined || !STATES.includes(state ?? '')) {
    throw new Error('the gate reported a finding that this command can not read')
  }
  return {
    group: group as Group,
    check,
    state: state as State,
    found,
    ...(fix !== undefined && { fix }),
    ...(entry !== undefined && { entry }),
    ...(issuer !== undefined && { issuer }),
  }
}
