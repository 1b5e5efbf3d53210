import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../support/command.ts'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, records, type TestIssuer, variables } from '../support/gate-client.ts'
import { SinkServer } from '../support/sink-server.ts'

// An incident is rehearsed: noticed by itself, alerted and contained, each within its bound.

/** How soon each must happen, in milliseconds. */
const BOUNDS = {
  denial_to_finding_ms: 1_000,
  denial_to_alert_ms: 2_000,
  lockdown_to_refusal_ms: 2_000,
  lockdown_to_last_byte_ms: 2_000,
}

interface Result extends Record<keyof typeof BOUNDS | 'denial_to_systemic_ms', number | null> {
  readonly drill: string
  readonly passed: boolean
  readonly foreign_bytes: number
  readonly timeline: readonly { readonly at: number; readonly what: string }[]
}

/** Runs a drill, and makes sure that everything was measured and in time. */
async function rehearse(...args: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await run(['drill', ...args, '--json'])
  expect(code, stdout + stderr).toBe(0)
  const result = JSON.parse(stdout) as Result
  expect(Object.keys(result).sort()).toEqual(
    ['drill', 'passed', 'foreign_bytes', 'denial_to_systemic_ms', 'timeline', ...Object.keys(BOUNDS)].sort(),
  )
  for (const [name, bound] of Object.entries(BOUNDS)) {
    const time = result[name as keyof typeof BOUNDS]
    expect(time, name).not.toBeNull()
    expect(time, name).toBeGreaterThanOrEqual(0)
    expect(time, name).toBeLessThanOrEqual(bound)
  }
  expect(result.passed).toBe(true)
  const times = result.timeline.map(({ at }) => at)
  expect(times).toEqual(times.toSorted((one, other) => one - other))
  process.stderr.write(`${RUNTIME}: ${JSON.stringify({ ...result, timeline: undefined })}\n`)
  return result
}

describe('a gate of its own', () => {
  test('notices and contains the incident of 2020, and no one is shown what is another’s', async () => {
    const result = await rehearse('babylon', '--runtime', RUNTIME)
    expect(result).toMatchObject({ drill: 'babylon', foreign_bytes: 0 })
    expect(result.denial_to_systemic_ms).not.toBeNull()
    const steps = result.timeline.map(({ what }) => what).join('\n')
    expect(steps).toMatch(/a list of 50: 0 of them may be shown/)
    expect(steps).toMatch(/it is systemic/)
    expect(steps).toMatch(/lockdown \d+: release 4\.12\.0/)
  })

  test('notices a stamp that is wrong, and counts what that permitted', async () => {
    const result = await rehearse('wrong-stamp', '--runtime', RUNTIME)
    expect(result).toMatchObject({ drill: 'wrong-stamp', denial_to_systemic_ms: null })
    // The gate can't know that the stamp is wrong: only the stream that was cut ends it.
    expect(result.foreign_bytes).toBeGreaterThan(0)
    expect(result.foreign_bytes).toBeLessThan(96 * 2 ** 20)
  })

  test('says what happened in words', async () => {
    const { code, stdout, stderr } = await run(['drill', 'babylon', '--runtime', RUNTIME])
    expect(code, stderr).toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/bytes of other patients' recordings delivered: 0\n/)
    expect(stderr).toMatch(/\nPASSED: /)
    expect(stderr).not.toMatch(/psn_|eyJ/)
  })
})

describe('a gate that runs', () => {
  let idp: TestIssuer
  let pager: SinkServer
  let vars: Record<string, string>
  let gate: RunningGate
  let tokens: string
  beforeAll(async () => {
    idp = await createIssuer()
    pager = await SinkServer.start()
    const alert = { type: 'webhook', url: pager.url, secret: { secret: 'HOOK' }, allow_internal: true }
    vars = {
      ...variables(idp),
      ALERTS: JSON.stringify([alert]),
      HOOK: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    }
    gate = await startGate({ vars: { ...vars, DRILLS: 'allow' } })
    const person = async (id: string) => ({ id, token: await idp.token(id, { sid: `${id}-session` }) })
    tokens = join(gate.data, 'tokens.json')
    const cast = {
      subjects: [await person('drill-1'), await person('drill-2'), await person('drill-3')],
      recorder: await idp.token('recorder-1', { roles: ['recorder'] }),
      analyst: await idp.token('analyst-1', { roles: ['security'] }),
    }
    writeFileSync(tokens, JSON.stringify(cast))
  })
  afterAll(async () => {
    await gate.stop()
    pager.stop()
  })
  const lockdowns = async () => {
    const headers = await idp.bearer('analyst-1', { roles: ['security'] })
    return (await fetch(`${gate.url}/console/api/lockdowns`, { headers })).json()
  }

  // What a second one needs is the command's work: one runtime shows it.
  const drills = ['babylon', 'wrong-stamp']
  test.each(RUNTIME === 'node' ? [...drills, ...drills] : drills)(
    'rehearses %s if it wants to, also a second time, and is open again after it',
    async name => {
      await rehearse(name, '--url', gate.url, '--tokens', tokens)
      expect(await lockdowns()).toEqual({ lockdowns: [] })
      expect(pager.calls.length).toBeGreaterThan(0)
    },
  )

  test.each([
    [['babylon', '--url', 'http://127.0.0.1:9'], '--url and --tokens belong together'],
    [['babylon', '--tokens', 'x'], '--url and --tokens belong together'],
    [['titanic'], 'name the drill'],
    [[], 'name the drill'],
    [['babylon', '--runtime', 'bun'], 'is unknown'],
    [['babylon', '--port', '70000'], 'is not a port'],
  ])('%j is refused', async (args, why) => {
    expect(await run(['drill', ...args])).toMatchObject({ code: 2, stderr: expect.stringContaining(why) })
  })

  test('a file that has no tokens is refused, and nothing of it is shown', async () => {
    const file = join(gate.data, 'wrong.json')
    writeFileSync(file, '{"subjects":[],"recorder":"a-secret-token"}')
    const { code, stderr } = await run(['drill', 'babylon', '--url', gate.url, '--tokens', file])
    expect(code).toBe(2)
    expect(stderr).toContain('is not a file of tokens')
    expect(stderr).not.toContain('a-secret')
  })

  test('refuses drills unless DRILLS=allow, and is left as it was', async () => {
    await gate.stop()
    gate = await startGate({ vars, data: gate.data })
    const before = (await records(gate, idp)).filter(({ kind }) => kind === 'binding').length
    const { code, stderr } = await run(['drill', 'babylon', '--url', gate.url, '--tokens', tokens])
    expect(code, stderr).toBe(2)
    expect(stderr).toContain('this gate refuses drills')
    expect((await records(gate, idp)).filter(({ kind }) => kind === 'binding')).toHaveLength(before)
  })
})
