import { readFileSync } from 'node:fs'
import { OUTSIDE_CHECKS } from '../../src/cli/doctor/outside-checks.ts'
import { WRANGLER_CHECKS } from '../../src/cli/doctor/wrangler-checks.ts'
import { ISSUER_CHECKS } from '../../src/doctor/issuer-checks.ts'
import { KEY_CHECKS } from '../../src/doctor/key-checks.ts'
import { NETWORK_CHECKS } from '../../src/doctor/network-checks.ts'
import { RULE_CHECKS } from '../../src/doctor/rule-checks.ts'
import { SETTINGS_CHECKS } from '../../src/doctor/settings-checks.ts'
import { SINK_CHECKS } from '../../src/doctor/sink-checks.ts'
import { RECORD_CHECKS, STORAGE_CHECKS } from '../../src/doctor/storage-checks.ts'
import { MACHINE_CHECKS } from '../../src/runtime/local/machine-checks.ts'

// The table of docs/doctor.md. Names come from the tables of checks, and what a check is about from its doc comment.

const DOCTOR = 'src/doctor'
const CLI = 'src/cli/doctor'
const GROUPS: readonly (readonly [group: string, file: string, checks: object])[] = [
  ['settings', `${DOCTOR}/settings-checks.ts`, SETTINGS_CHECKS],
  ['settings', `${DOCTOR}/rule-checks.ts`, RULE_CHECKS],
  ['issuers', `${DOCTOR}/issuer-checks.ts`, ISSUER_CHECKS],
  ['keys', `${DOCTOR}/key-checks.ts`, KEY_CHECKS],
  ['storage', `${DOCTOR}/storage-checks.ts`, { ...STORAGE_CHECKS, ...RECORD_CHECKS }],
  ['sinks', `${DOCTOR}/sink-checks.ts`, SINK_CHECKS],
  ['machine', 'src/runtime/local/machine-checks.ts', MACHINE_CHECKS],
  ['machine', `${DOCTOR}/network-checks.ts`, NETWORK_CHECKS],
  ['outside', `${CLI}/outside-checks.ts`, OUTSIDE_CHECKS],
  ['wrangler', `${CLI}/wrangler-checks.ts`, WRANGLER_CHECKS],
]

/** Every check, by its group, with what its doc comment says. */
export function documentedChecks(): readonly (readonly [group: string, check: string, about: string])[] {
  return GROUPS.flatMap(([group, file, checks]) => {
    const source = readFileSync(file, 'utf8')
    return Object.keys(checks).map(check => {
      const [, comment = ''] =
        new RegExp(`^  /\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n  ${check}(?:\\(|:)`, 'm').exec(source) ?? []
      return [group, check, comment.replace(/\n \s*\* /g, ' ').trim()] as const
    })
  })
}

/** The table of docs/doctor.md. */
export function checksTable(): string {
  const rows = documentedChecks().map(([group, check, about]) => `| ${group} | \`${check}\` | ${about} |\n`)
  return `| group | check | what it makes sure of |\n| --- | --- | --- |\n${rows.join('')}`
}
