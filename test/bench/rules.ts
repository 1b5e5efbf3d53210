import { spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { say } from '../../src/cli/terminal.ts'
import type { Restriction } from '../../src/control/restriction.ts'
import { type Concerned, Restrictions } from '../../src/control/restrictions.ts'
import type { Findings } from './report.ts'
import { type Operation, type Row, row } from './table.ts'

const SCRIPT = fileURLToPath(new URL('./rules.script.ts', import.meta.url))
/** In microseconds, and in MiB. */
const TARGETS: readonly (readonly [RegExp, Operation])[] = [
  [/CPU of a record/, { is: '<=', limit: 5 }],
  [/memory/, { is: '<=', limit: 32 }],
]
const CHECK: Operation = { is: '<=', limit: 1 }
const CHECKS = 1_000_000

/** What the rules cost the log, and a lockdown each request. */
export async function benchRules(): Promise<Findings> {
  say('the rules look at a day of a million records, and at ten million of a million people …')
  const others: Row[] = []
  const child = spawn(process.execPath, ['--expose-gc', SCRIPT], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    const { name, value, unit } = JSON.parse(line) as { name: string; value: number; unit: string }
    others.push(row(name, value, unit, TARGETS.find(([pattern]) => pattern.test(name))?.[1]))
  }
  others.push(row('lockdown: check with 200 in force', checkOf(0), 'µs', CHECK))
  others.push(row('lockdown: check with 200 and 100,000 ended sessions', checkOf(100_000), 'µs', CHECK))
  return { measured: [], others, ratios: [] }
}

const CONCERNED: Concerned = {
  ...{ recording: 'rec-1', release: '4.12.0', tenants: ['north'], issued: 900 },
  ...{ subjects: ['psn_1'], actors: [], sessions: ['psn_2'], tokens: ['psn_3'] },
}

/** Returns what both checks of a request take that nothing is about, in microseconds of CPU. */
function checkOf(revoked: number): number {
  const scopes = ['recording', 'subject', 'session', 'release', 'tenant'] as const
  const changes: Restriction[] = Array.from({ length: 200 }, (_, i) => ({
    ...{ epoch: i + 1, kind: 'lockdown', scope: scopes[i % 5] ?? 'recording', value: `other-${i}` },
  }))
  for (let i = 0; i < revoked; i++)
    changes.push({ epoch: 201 + i, kind: 'revocation', scope: 'session', value: `psn_s${i}` })
  const restrictions = new Restrictions()
  restrictions.apply({ changes, epoch: changes.length }, 0)
  let found = 0
  const check = () => {
    for (let i = 0; i < CHECKS; i++) {
      if (restrictions.isRevoked(CONCERNED, 0)) found += 1
      if (restrictions.lockdownOf(CONCERNED, 'play', 0) !== undefined) found += 1
    }
  }
  check()
  const start = process.cpuUsage()
  check()
  const { user, system } = process.cpuUsage(start)
  if (found > 0) throw new Error('a check found what nothing is about')
  return (user + system) / CHECKS
}
