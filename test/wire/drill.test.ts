import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../support/command.ts'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, records, store, type TestIssuer, variables } from '../support/gate-client.ts'
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
    [
      'drill',
      'passed',
      'failures',
      'foreign_bytes',
      'denial_to_systemic_ms',
      'timeline',
      ...Object.keys(BOUNDS),
    ].sort(),
  )
  for (const [name, bound] of Object.entries(BOUNDS)) {
    const time = result[name as keyof typeof BOUNDS]
    expect(time, name).not.toBeNull()
    expect(time, name).toBeGreaterThanOrEqual(0)
    expect(time, name).toBeLessThanOrEqual(bound)
  }
  expect(result).toMatchObject({ passed: true, failures: [] })
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
    // What the gate says of a stream that is cut is no part of the timeline.
    expect(stderr).toMatch(/^Storing [^\n]*\nRelease [^\n]*\n {2,}-?\d/)
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

/** Calls the console's API as an analyst. */
async function ask(gate: RunningGate, idp: TestIssuer, path: string, body?: object): Promise<unknown> {
  const headers = await idp.bearer('analyst-1', { roles: ['security'] })
  const init =
    body === undefined
      ? { headers }
      : {
          method: 'POST',
          headers: { ...headers, 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        }
  const response = await fetch(gate.url + path, init)
  expect(response.status).toBeLessThan(300)
  return response.json()
}

/** What a drill must not leave behind. */
async function left(gate: RunningGate, idp: TestIssuer): Promise<unknown> {
  const { findings } = (await ask(gate, idp, '/console/api/findings')) as {
    findings: readonly { readonly rule: string }[]
  }
  const { lockdowns } = (await ask(gate, idp, '/console/api/lockdowns')) as { lockdowns: readonly unknown[] }
  return { findings: findings.map(({ rule }) => rule), lockdowns }
}
const NOTHING = { findings: [], lockdowns: [] }

// What a drill does with the tokens of a deployment, and if it can't go on, is the command's work: one runtime shows it.
describe.runIf(RUNTIME === 'node')('a gate whose tokens name the release', () => {
  let idp: TestIssuer
  let pager: SinkServer
  let gate: RunningGate
  beforeAll(async () => {
    idp = await createIssuer()
    pager = await SinkServer.start()
    const alert = { type: 'webhook', url: pager.url, secret: { secret: 'HOOK' }, allow_internal: true }
    const { ISSUERS = '[]', ...vars } = variables(idp)
    const [entry] = JSON.parse(ISSUERS) as readonly object[]
    gate = await startGate({
      vars: {
        ...vars,
        ISSUERS: JSON.stringify([{ ...entry, release_claim: 'app_version' }]),
        ALERTS: JSON.stringify([alert]),
        HOOK: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
        ...{ DRILLS: 'allow', RESPOND: 'RG-003' },
      },
    })
  })
  afterAll(async () => {
    await gate.stop()
    pager.stop()
  })
  /** Runs a drill with tokens of three subjects, each of a release. */
  const drill = async (
    name: string,
    releases: readonly (string | undefined)[],
    ...args: readonly ('--json' | 'wrong')[]
  ) => {
    const person = async (release: string | undefined, i: number) => {
      const id = `drill-${i + 1}`
      const claims = { sid: `${id}-session`, ...(release !== undefined && { app_version: release }) }
      const isWrong = i === 0 && args.includes('wrong')
      return { id, token: await idp.token(isWrong ? 'someone-else' : id, claims) }
    }
    const cast = {
      subjects: await Promise.all(releases.map(person)),
      recorder: await idp.token('recorder-1', { roles: ['recorder'] }),
      analyst: await idp.token('analyst-1', { roles: ['security'] }),
    }
    const file = join(gate.data, 'tokens.json')
    writeFileSync(file, JSON.stringify(cast))
    const json = args.filter(arg => arg === '--json')
    return run(['drill', name, '--url', gate.url, '--tokens', file, ...json])
  }
  const of = (release: string) => [release, release, release]

  test('rehearses with that release, twice, and the freeze that the gate made by itself is undone, too', async () => {
    const first = await drill('babylon', of('5.1.0'), '--json')
    expect(first.code, first.stdout + first.stderr).toBe(0)
    const { timeline, denial_to_systemic_ms } = JSON.parse(first.stdout) as Result
    expect(timeline.map(({ what }) => what)).toContain('release 5.1.0 is out')
    expect(denial_to_systemic_ms).not.toBeNull()
    expect(first.stderr).toMatch(/^Lockdown \d+, which the gate made by itself for RG-003, is undone\.$/m)
    expect(await left(gate, idp)).toEqual(NOTHING)

    const second = await drill('babylon', of('5.1.0'))
    expect(second.code, second.stderr).toBe(0)
    expect(second.stderr).toMatch(/that it is systemic was found less than 15 minutes ago/)
    expect(second.stderr).toMatch(/^PASSED: /m)
    expect(await left(gate, idp)).toEqual(NOTHING)
  }, 120_000)

  test('a release that only some of the tokens name is that of all', async () => {
    const { code, stderr } = await drill('babylon', ['6.0.0', undefined, '6.0.0'])
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/lockdown \d+: release 6\.0\.0/)
  }, 60_000)

  test.each([
    [['7.0.0', '7.0.1', '7.0.0'], /name different releases: 7\.0\.0, 7\.0\.1$/m],
    [of('7 is a release that no record can hold at all'), /names a release that no record can hold$/m],
  ])(
    'tokens of %j are refused before anything is rehearsed',
    async (releases, why) => {
      const { code, stderr } = await drill('babylon', releases)
      expect(code).toBe(2)
      expect(stderr).toMatch(why)
      expect(stderr).not.toMatch(/shows three patients/)
      expect(await left(gate, idp)).toEqual(NOTHING)
    },
    60_000,
  )

  test('an id that is not that of the token is said before anything is rehearsed', async () => {
    const { code, stderr } = await drill('babylon', of('8.0.0'), 'wrong')
    expect(code).toBe(2)
    expect(stderr).toMatch(/the gate refused the token of the first subject: 404 .*\n.*must have the id that/)
    expect(await left(gate, idp)).toEqual(NOTHING)
  }, 60_000)

  test('a lockdown that is in force is named before anything is rehearsed, and stays', async () => {
    const target = { scope: 'release', value: '8.0.0', reason: 'a bug' }
    const { epoch } = (await ask(gate, idp, '/console/api/lockdowns/add', target)) as { epoch: number }
    const { code, stderr } = await drill('babylon', of('8.0.0'))
    expect(code).toBe(2)
    expect(stderr).toContain(`lockdown ${epoch} is in force: release 8.0.0`)
    expect(await left(gate, idp)).toMatchObject({ findings: [], lockdowns: [{ epoch }] })
    await ask(gate, idp, '/console/api/lockdowns/undo', { epoch, reason: 'a test' })
  }, 60_000)

  test('a drill that can’t go on says why, and closes its findings all the same', async () => {
    expect((await store(gate, idp, '/recordings/theirs', 'drill-1', 'video')).status).toBe(201)
    const bindings = await records(gate, idp, 'binding')
    const owner = bindings.find(({ recording }) => recording === 'theirs')?.owner
    const target = { scope: 'subject', value: owner, reason: 'a bug' }
    const { epoch } = (await ask(gate, idp, '/console/api/lockdowns/add', target)) as { epoch: number }
    const { code, stderr } = await drill('wrong-stamp', of('9.0.0'))
    expect(code).toBe(2)
    expect(stderr).toMatch(/stream of the drill did not begin: the gate answered 403 to the owner/)
    expect(stderr).toContain('lockdown list')
    expect(await left(gate, idp)).toMatchObject({ findings: [], lockdowns: [{ epoch }] })
    await ask(gate, idp, '/console/api/lockdowns/undo', { epoch, reason: 'a test' })
  }, 60_000)

  test('a drill that fails names what did not happen, and leaves nothing behind', async () => {
    await pager.stop()
    const { code, stderr } = await drill('babylon', of('10.0.0'))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^FAILED: first denial to alert did not happen\.$/m)
    expect(stderr).not.toContain('noticed and contained')
    expect(await left(gate, idp)).toEqual(NOTHING)
  }, 60_000)

  test('a gate that is not there, one that is none, and a token that is refused are said in plain words', async () => {
    const file = join(gate.data, 'tokens.json')
    const at = (url: string) => run(['drill', 'babylon', '--url', url, '--tokens', file])
    const nothing = await at('http://127.0.0.1:9')
    expect(nothing.code).toBe(1)
    expect(nothing.stderr).toMatch(
      /nothing answers at http:\/\/127\.0\.0\.1:9 \(.*\): start the gate, or name it/,
    )

    const cast = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    writeFileSync(file, JSON.stringify({ ...cast, analyst: 'nothing.of.use' }))
    const refused = await at(gate.url)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/the gate refused the token of the analyst: 401 /)
    expect(refused.stderr).toMatch(/hint: put a new one into the file of --tokens/)

    writeFileSync(file, JSON.stringify({ ...cast, analyst: cast.recorder }))
    expect((await at(gate.url)).stderr).toMatch(
      /refused the token of the analyst: 404 .*\n.*the role "security"/,
    )

    writeFileSync(file, JSON.stringify({ ...cast, recorder: cast.analyst }))
    expect((await at(gate.url)).stderr).toMatch(/refused the token of the recorder: 40\d /)
  }, 60_000)
})
