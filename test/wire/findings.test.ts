import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { nameSpaceOf } from '../../src/authorize/subject.ts'
import { createPseudonymizer } from '../../src/ledger/pseudonym.ts'
import { run } from '../support/command.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, PSEUDONYM_KEY, records, type TestIssuer, variables } from '../support/gate-client.ts'

// Work on findings by the command and by the API, on every runtime: who may, what it does, and that it is on record.

const ROLES = ['recorder', 'security', 'app', 'analyst', 'viewer']
/** An id that no finding has. */
const UNKNOWN = '0197f2c4-8a10-7cc3-9a3e-2b1c5d7e9f01'
const SOON = new Date(Date.now() + 3_600_000).toISOString()

let clinics: TestIssuer
let staff: TestIssuer
let gate: RunningGate

beforeAll(async () => {
  clinics = await createIssuer()
  staff = await createIssuer('https://staff.clinic.test/')
  const [first, second] = JSON.parse(variables(clinics, staff).ISSUERS ?? '') as readonly object[]
  const issuers = [
    { ...first, allowed_roles: ROLES, tenant_claim: 'org', release_claim: 'app_release' },
    { ...second, allowed_roles: ROLES, allow_all_tenants: true },
  ]
  gate = await startGate({ vars: { ...variables(clinics), ISSUERS: JSON.stringify(issuers) } })
})
afterAll(() => gate.stop())

interface Finding {
  readonly id: string
  readonly state: string
  readonly tenant: string
  readonly group: Readonly<Record<string, string>>
  readonly [member: string]: unknown
}
type Answer = Readonly<Record<string, unknown>>

/** A token of an analyst of all tenants, or of one. */
const tokenOf = (role: string, org?: string) =>
  org === undefined
    ? staff.token(`${role}-1`, { roles: [role] })
    : clinics.token(`${role}-1`, { roles: [role], org })
async function call(path: string, token: string, body?: object) {
  const response = await fetch(`${gate.url}/console/api/${path}`, {
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  })
  return { status: response.status, json: (await response.json()) as Answer }
}
const list = async (query = 'rule=RG-001', role = 'viewer', org?: string) =>
  (await call(`findings?${query}`, await tokenOf(role, org))).json.findings as readonly Finding[]
const findings = async (args: readonly string[], role = 'security') => {
  const { code, stdout, stderr } = await run([
    ...['findings', ...args],
    ...['--url', gate.url, '--token', await tokenOf(role)],
  ])
  return { code, stdout, stderr }
}
const onRecord = async (id: string) =>
  (await records(gate, staff, 'finding')).filter(
    ({ finding, suppression }) => finding === id || suppression === id,
  )
const lastOf = async (id: string) => (await onRecord(id)).at(-1)

let people = 0
/** Has a person who was never seen ask for what is not theirs. Resolves to the finding. */
async function intrude(org = 'north'): Promise<Finding & { readonly person: string }> {
  people += 1
  const person = `stranger-${people}`
  const recorder = await clinics.bearer('recorder-1', { roles: ['recorder'], org })
  const url = `${gate.url}/recordings/rec-${people}`
  const headers = { ...recorder, 'Mediaward-Owner': `patient-${people}` }
  expect((await fetch(url, { method: 'PUT', headers, body: 'media' })).status).toBe(201)
  expect((await play(person, `rec-${people}`, org)).status).toBe(404)
  const name = await createPseudonymizer(PSEUDONYM_KEY)(
    ...(['subject', nameSpaceOf({ issuer: clinics.issuer }), person] as const),
  )
  const found = await vi.waitFor(
    async () => {
      const [one] = await list(`rule=RG-001&subject=${name}&state=all`)
      if (one === undefined) throw new Error('there is no finding')
      return one
    },
    { timeout: 10_000, interval: 50 },
  )
  return { ...found, person }
}
async function play(person: string, recording: string, org = 'north') {
  const headers = await clinics.bearer(person, { sid: `s-${person}`, org })
  const response = await fetch(`${gate.url}/recordings/${recording}`, { headers })
  await response.arrayBuffer()
  return response
}

describe('the command', () => {
  test('lists findings and shows one, with what it means and what to do', async () => {
    const { id } = await intrude()
    const listed = await findings(['--rule', 'RG-001', '--severity', 'high'], 'viewer')
    expect(listed.code, listed.stderr).toBe(0)
    expect(listed.stdout).toMatch(new RegExp(`high +open +RG-001 .*A valid token asked.*${id}\n`))
    expect(listed.stdout).not.toMatch(/stranger|patient-/)
    const json = await findings(['--json', '--rule', 'RG-001'])
    expect(
      json.stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).id),
    ).toContain(id)
    const shown = await findings(['show', id], 'viewer')
    expect(shown.stdout).toMatch(
      /what it means: .*\noften harmless: .*\nwhat to do: .*\nrecords: [0-9a-f-]{36}\n/,
    )
    expect((await findings(['--rule', 'RG-999'])).stderr).toContain('no findings')
  })

  test('takes a finding from open to closed and back, each step on record by a pseudonym', async () => {
    const { id, group } = await intrude()
    const assignee = `${group.subject}`
    const states: string[] = []
    for (const args of [
      ['assign', id, assignee],
      ['acknowledge', id],
      ['comment', id, '--words', 'I called the app’s team'],
      ['close', id, '--verdict', 'true_positive', '--words', 'it was the new list'],
      ['reopen', id],
    ]) {
      const { code, stderr } = await findings(args, 'analyst')
      expect(code, stderr).toBe(0)
      states.push(`${(await list('rule=RG-001&state=all')).find(one => one.id === id)?.state}`)
    }
    expect(states).toEqual(['under_review', 'under_review', 'under_review', 'closed', 'open'])
    const done = await onRecord(id)
    expect(done.map(({ action }) => action)).toEqual([
      ...['opened', 'assigned', 'acknowledged', 'commented', 'closed', 'reopened'],
    ])
    expect(done[1]).toMatchObject({ assignee })
    expect(done[4]).toMatchObject({ verdict: 'true_positive' })
    for (const { subject } of done.slice(1)) expect(subject).toMatch(/^psn_[0-9a-f]{32}$/)
    const sha256 = createHash('sha256').update('it was the new list').digest('hex')
    expect(done[4]?.said).toMatchObject({ sha256 })
    const { stdout: shown } = await findings(['show', id])
    expect(shown).toMatch(/: I called the app’s team\n.*: it was the new list\n/)
    expect(shown).toContain(`\ngroup: subject=${group.subject} session=${group.session}\n`)
    expect(shown).toContain(`\nassigned to ${assignee}\n`)
    // It was reopened.
    expect(shown).not.toMatch(/verdict|acknowledged 20/)
  })

  test('erases what was said, and the log still says that something was', async () => {
    const { id } = await intrude()
    await findings(['comment', id, '--words', 'Jane Roe of Elm Street'])
    const { texts } = (await call(`findings/show?id=${id}`, await tokenOf('viewer'))).json as {
      readonly texts: readonly { readonly id: string; readonly text?: string }[]
    }
    expect(texts[0]?.text).toBe('Jane Roe of Elm Street')
    const erased = await findings(['erase', `${texts[0]?.id}`])
    expect(erased.code, erased.stderr).toBe(0)
    expect((await findings(['show', id])).stdout).toContain('(erased)')
    expect(await lastOf(id)).toMatchObject({ action: 'text_erased', said: { id: texts[0]?.id } })
  })

  test('suppresses a rule for a while, so that its findings are there and quiet', async () => {
    const until = ['--until', '2h', '--reason', 'we test release 9.9.9']
    const { code, stdout, stderr } = await findings(['suppress', 'RG-001', ...until])
    expect(code, stderr).toBe(0)
    const id = stdout.trim()
    const quiet = await intrude()
    expect(quiet.suppressed_by).toBe(id)
    expect(await lastOf(quiet.id)).toMatchObject({ action: 'suppressed', suppression: id })
    const all = await findings(['suppressions'], 'viewer')
    expect(all.stdout).toMatch(new RegExp(`RG-001 .*1 hits .*we test release 9\\.9\\.9 +${id}\n`))
    const ended = await findings(['unsuppress', id])
    expect(ended.code, ended.stderr).toBe(0)
    expect((await intrude()).suppressed_by).toBeUndefined()
    expect((await onRecord(id)).map(({ action }) => action)).toEqual(
      expect.arrayContaining(['suppression_added', 'suppression_ended']),
    )
  })

  test('suppresses the crowd of a release, which is no group of the rule', async () => {
    const until = ['--until', '2h', '--reason', 'testers']
    const { code, stdout, stderr } = await findings([
      ...['suppress', 'RG-001', '--group', 'release=9.9.9', '--crowd', ...until],
    ])
    expect(code, stderr).toBe(0)
    expect((await intrude()).suppressed_by).toBeUndefined()
    expect((await findings(['unsuppress', stdout.trim()])).code).toBe(0)
  })

  test('contains a finding: its session is locked down within two seconds, and says what for', async () => {
    const { id, person, group } = await intrude()
    const recorder = await clinics.bearer('recorder-1', { roles: ['recorder'], org: 'north' })
    const headers = { ...recorder, 'Mediaward-Owner': person }
    await fetch(`${gate.url}/recordings/own-${group.session}`, { method: 'PUT', headers, body: 'media' })
    expect((await play(person, `own-${group.session}`)).status).toBe(200)
    const { code, stdout, stderr } = await findings([
      'contain',
      id,
      '--reason',
      'it goes on',
      '--until',
      '1h',
    ])
    expect(code, stderr).toBe(0)
    expect(stderr).toContain(`lockdown undo ${Number(stdout)} --url ${gate.url} --reason "WORDS"`)
    const begun = performance.now()
    while ((await play(person, `own-${group.session}`)).status !== 403) {
      expect(performance.now() - begun).toBeLessThan(2_000)
      await wait(20)
    }
    const { lockdowns } = (await call('lockdowns', await tokenOf('viewer'))).json as {
      readonly lockdowns: readonly Answer[]
    }
    expect(lockdowns).toMatchObject([
      { epoch: Number(stdout), scope: 'session', value: group.session, finding: id },
    ])
    const inForce = `\nin force: lockdown ${stdout.trim()} of session ${group.session} since 20`
    expect((await findings(['show', id], 'viewer')).stdout).toContain(inForce)
    const undone = await call('lockdowns/undo', await tokenOf('security'), {
      ...{ epoch: Number(stdout), reason: 'it is over' },
    })
    expect(undone.status).toBe(200)
    expect((await findings(['show', id])).stdout).not.toContain('in force')
  })

  test.each([
    [['show'], 'name the finding'],
    [['show', 'x'], 'id must be the id of a finding'],
    [['show', UNKNOWN], 'there is no finding with this id'],
    [['acknowledge', UNKNOWN], 'there is no finding with this id'],
    [['unsuppress', UNKNOWN], 'there is no suppression with this id'],
    [['erase', UNKNOWN], 'there are no words with this id'],
    [['close', UNKNOWN], 'close needs --verdict'],
    [['close', UNKNOWN], 'it may be true_positive, false_positive, benign, test'],
    [['close', UNKNOWN, '--verdict', 'odd'], 'verdict must be one of true_positive'],
    [['comment', UNKNOWN], 'comment needs --words'],
    [['comment', UNKNOWN, '--words', ' '], '--words must have 1 to 4000 characters'],
    [['acknowledge', UNKNOWN, '--words', 'x'.repeat(4001)], '--words must have 1 to 4000 characters'],
    [['delete', 'x'], 'is not something that findings does'],
    [['suppress', 'RG-001'], 'say why and until when'],
    [['suppress', 'RG-001', '--until', '40d', '--reason', 'x'], 'within the next 30 days'],
    [['suppress', 'RG-040', '--until', '1h', '--reason', 'x'], 'never suppressed'],
    [['suppress', 'RG-001', '--until', '1h', '--reason', 'x', '--group', 'a'], 'is not NAME=VALUE'],
    [
      ['suppress', 'RG-001', '--until', '1h', '--reason', 'x', '--group', 'release=4.12.0'],
      'findings of RG-001 are grouped by subject and session, and group may name nothing else',
    ],
    [
      ['suppress', 'RG-001', '--until', '1h', '--reason', 'x', '--group', 'subject=psn_1', '--crowd'],
      'with "crowd": true is about that one',
    ],
    [
      ['suppress', '*', '--until', '1h', '--reason', 'x', '--group', 'release=4.12.0', '--crowd'],
      'crowd must be true, and is for one rule',
    ],
    [['contain', UNKNOWN], 'say why'],
    [['--state', 'odd'], 'state must be one of'],
  ])('refuses %j, and says why', async (args, why) => {
    expect(await findings(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) })
  })
})

describe('what an outsider chose is not contained without being named', () => {
  /** Resolves to the finding of a rule, of a release if there is one. */
  const findingOf = (rule: string, release?: string) =>
    vi.waitFor(
      async () => {
        const one = (await list(`rule=${rule}`)).find(({ group }) => group.release === release)
        if (one === undefined) throw new Error('there is no finding')
        return one
      },
      { timeout: 10_000, interval: 50 },
    )
  const contain = (id: string, ...more: readonly string[]) =>
    findings(['contain', id, '--reason', 'a test', ...more])
  const lockdowns = async () =>
    (await call('lockdowns', await tokenOf('viewer'))).json.lockdowns as readonly Answer[]
  const undo = async (epoch: string) =>
    call('lockdowns/undo', await tokenOf('security'), { epoch: Number(epoch), reason: 'it is over' })
  /** Has two strangers ask for a recording of another, with a release of their app. */
  async function misled(release: { readonly claim: string } | { readonly header: string }) {
    await intrude()
    const { recording = '' } = Object((await records(gate, staff, 'access')).at(-1))
    for (const name of ['one', 'two']) {
      const sub = `${name}-${Object.values(release)[0]}`
      const claims = { org: 'north', ...('claim' in release && { app_release: release.claim }) }
      const headers = {
        ...(await clinics.bearer(sub, claims)),
        ...('header' in release && { 'Mediaward-App-Release': release.header }),
      }
      expect((await fetch(`${gate.url}/recordings/${recording}`, { headers })).status).toBe(404)
    }
  }

  test('as the release that forged tokens name', async () => {
    const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
    const token = `${part({ alg: 'none', typ: 'JWT' })}.${part({ sub: 'x', iss: clinics.issuer })}.AA`
    const headers = { Authorization: `Bearer ${token}`, 'Mediaward-App-Release': '9.0.0' }
    for (let i = 0; i < 2; i++) await fetch(`${gate.url}/recordings/rec-1`, { headers })
    const { id } = await findingOf('RG-007')
    const { code, stderr } = await contain(id)
    expect(code, stderr).toBe(2)
    // A loopback address is of no network.
    expect(stderr).toMatch(/grouped by (network|nothing), which can't be locked down/)
    expect(stderr).toContain(`findings contain ${id} --scope release --reason 'a test'`)
    expect(await lockdowns()).toEqual([])
  })

  test('as a release of a header alone, unless it is asked for', async () => {
    await misled({ header: '9.1.0' })
    const { id } = await findingOf('RG-003', '9.1.0')
    const refused = await contain(id)
    expect(refused.code, refused.stderr).toBe(2)
    expect(refused.stderr).toContain('no token of the finding proves release 9.1.0')
    expect(await lockdowns()).toEqual([])
    const { code, stdout, stderr } = await contain(id, '--scope', 'release')
    expect(code, stderr).toBe(0)
    expect(await lockdowns()).toMatchObject([{ scope: 'release', value: '9.1.0', finding: id }])
    expect((await undo(stdout)).status).toBe(200)
  })

  test('but a release that tokens prove is', async () => {
    await misled({ claim: '9.2.0' })
    const { id } = await findingOf('RG-003', '9.2.0')
    const { code, stdout, stderr } = await contain(id)
    expect(code, stderr).toBe(0)
    expect(await lockdowns()).toMatchObject([{ scope: 'release', value: '9.2.0', finding: id }])
    expect((await undo(stdout)).status).toBe(200)
  })
})

describe('the roles', () => {
  const why = ['--reason', 'a test']
  test.each([
    [['list'], 'app', '"viewer", "analyst" or "security"'],
    [['show', UNKNOWN], 'app', '"viewer", "analyst" or "security"'],
    [['suppressions'], 'app', '"viewer", "analyst" or "security"'],
    [['acknowledge', UNKNOWN], 'viewer', '"analyst" or "security"'],
    [['suppress', 'RG-001', '--until', '1h', ...why], 'analyst', '"security"'],
    [['unsuppress', UNKNOWN], 'analyst', '"security"'],
    [['erase', UNKNOWN], 'analyst', '"security"'],
  ])('%j as %s is refused, with those that may: %s', async (args, role, roles) => {
    const { code, stderr } = await findings(args, role)
    expect([code, stderr]).toEqual([2, expect.stringContaining(`hint: the token needs the role ${roles}\n`)])
  })

  test('viewer has the rules replayed without canaries, and hears so', async () => {
    const at = ['--url', gate.url, '--token']
    const replayed = await run(['rules', 'replay', ...at, await tokenOf('viewer')])
    expect([replayed.code, replayed.stderr]).toEqual([0, expect.stringContaining('RG-040 is left out')])
    expect((await run(['rules', 'replay', ...at, await tokenOf('security')])).stderr).not.toContain('RG-040')
  })

  test.each([
    ['viewer', [200, 200, 200, 404, 404, 404]],
    ['analyst', [200, 200, 200, 200, 404, 404]],
    ['security', [200, 200, 200, 200, 200, 200]],
    ['app', [404, 404, 404, 404, 404, 404]],
    ['recorder', [404, 404, 404, 404, 404, 404]],
  ])('%s may do what it may', async (role, statuses) => {
    const { id } = await intrude()
    const token = await tokenOf(role)
    await call('findings/act', await tokenOf('analyst'), { id, action: 'comment', text: 'words' })
    const { texts } = (await call(`findings/show?id=${id}`, await tokenOf('viewer'))).json as {
      readonly texts: readonly { readonly id: string }[]
    }
    const before = (await onRecord(id)).length
    const answers = [
      await call('findings', token),
      await call(`findings/show?id=${id}`, token),
      await call('suppressions', token),
      await call('findings/act', token, { id, action: 'acknowledge' }),
      await call('findings/erase', token, { id: texts[0]?.id }),
      await call('suppressions/add', token, { rule: 'RG-004', until: SOON, reason: 'a test' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual(statuses)
    // Acknowledging and erasing are about the finding.
    const done = statuses.slice(3, 5).filter(status => status === 200).length
    expect(await onRecord(id)).toHaveLength(before + done)
    const added = answers[5]?.json.suppression as { readonly id: string } | undefined
    if (added !== undefined)
      expect((await call('suppressions/end', token, { id: added.id })).status).toBe(200)
  })

  test.each([
    [{ action: 'acknowledge' }],
    [{ action: 'explode' }],
    [{ action: 'close', verdict: 'odd' }],
    [{ action: 'close' }],
    [{ action: 'assign', assignee: 'jane' }],
    [{ action: 'comment' }],
    [{ action: 'reopen' }],
    [{ action: 'acknowledge', more: 1 }],
  ])('give no one a wrong call: %j', async act => {
    const { id } = await intrude()
    const about = act.action === 'acknowledge' && !('more' in act) ? { id: 'x' } : { id }
    const { status } = await call('findings/act', await tokenOf('security'), { ...about, ...act })
    expect(status).toBe(400)
    expect((await onRecord(id)).map(({ action }) => action)).toEqual(['opened'])
  })
})

describe('an analyst of one tenant', () => {
  test('sees its tenant’s findings alone, and changes no others', async () => {
    const [north, south] = [await intrude('north'), await intrude('south')]
    expect(south.tenant).toBe('south')
    const ids = async (org: string) => (await list('rule=RG-001', 'security', org)).map(({ id }) => id)
    expect(await ids('north')).toContain(north.id)
    expect(await ids('north')).not.toContain(south.id)
    expect(await ids('south')).toEqual([south.id])
    const token = await tokenOf('security', 'north')
    expect((await call('findings?tenant=south', token)).status).toBe(400)
    expect((await call(`findings/show?id=${south.id}`, token)).status).toBe(400)
    expect((await call('findings/act', token, { id: south.id, action: 'acknowledge' })).status).toBe(400)
    expect((await list('rule=RG-001&tenant=south')).map(({ state }) => state)).toEqual(['open'])
  })

  test('suppresses its tenant’s findings alone', async () => {
    const added = await call('suppressions/add', await tokenOf('security', 'north'), {
      ...{ rule: 'RG-001', until: SOON, reason: 'ours' },
    })
    const { id } = added.json.suppression as { readonly id: string }
    expect((await intrude('north')).suppressed_by).toBe(id)
    expect((await intrude('south')).suppressed_by).toBeUndefined()
    const other = await tokenOf('security', 'south')
    expect((await call('suppressions', other)).json).toEqual({ suppressions: [] })
    expect((await call('suppressions/end', other, { id })).status).toBe(400)
    expect((await call('suppressions/end', await tokenOf('security', 'north'), { id })).status).toBe(200)
  })
})

test('looking is on record, and what people wrote or are called is not', async () => {
  const all = await records(gate, staff)
  expect(all).toContainEqual(expect.objectContaining({ kind: 'console', action: 'findings' }))
  const log = JSON.stringify(all) + gate.said()
  expect(log).not.toMatch(
    /stranger-\d|patient-\d|Elm Street|I called|the new list|we test release|it goes on/,
  )
})
