import { beforeEach, describe, expect, test } from 'vitest'
import { hexOf } from '../../src/base/bytes.ts'
import { canonical } from '../../src/ledger/canonical.ts'
import type { Ledger, LedgerEntry } from '../../src/ledger/ledger.ts'
import type { Finding } from '../../src/watch/finding.ts'
import type { FindingControl } from '../../src/watch/finding-control.ts'
import { heardIn, heardOf } from '../support/heard.ts'
import { refusal } from '../support/refusal.ts'

// What each log does that runs rules: whatever is found is stored and recorded once, and can be looked at and changed.

/** A log with the rules of test/support/fake-rules.ts, and what happens to it. */
export interface WatchedLog {
  readonly ledger: Ledger
  readonly findings: FindingControl
  /** Resolves when the rules have looked at all that was appended, and what they found has its index. */
  settle(): Promise<void>
  /** Lets time pass, in milliseconds, and has the log do what it does by itself then. */
  pass(time: number): Promise<void>
  /** Ends the process that has the log. The next one has the returned log. */
  restart(): Promise<WatchedLog>
}

const psn = (number: number): string => `psn_${String(number).padStart(32, '0')}`
const [ANALYST, OTHER] = [psn(900), psn(901)]

function delivery(view: string, members: object): LedgerEntry {
  const facts = { view, answers: 1, cut: 0, assumed: 0, bytes: 10, parts: [{ ranges: [[0, 9]] }] }
  const { id, json } = refusal('', { ...facts, ...members })
  const { reason: _, status: __, method: ___, ...rest } = JSON.parse(json)
  return { id, json: canonical({ ...rest, kind: 'delivery', decision: 'permit' }) }
}

/** @param recordErrors returns what is wrong with a record by the published schema, where that can be read */
export function watchContract(
  name: string,
  create: () => Promise<WatchedLog>,
  recordErrors: (json: string) => readonly string[] = () => [],
): void {
  describe(`${name} watches`, () => {
    let log: WatchedLog
    beforeEach(async () => {
      log = await create()
    })

    const append = async (...entries: readonly LedgerEntry[]) => {
      await log.ledger.append(entries)
      await log.settle()
    }
    const list = async (query = {}): Promise<readonly Finding[]> =>
      (await log.findings.list({ limit: 100, ...query })).findings
    const only = async (): Promise<Finding> => {
      const [finding, ...others] = await list({ state: 'all' })
      expect(others).toEqual([])
      if (finding === undefined) throw new Error('there is no finding')
      return finding
    }
    const entries = async () => (await log.ledger.read({ limit: 1000, kind: 'finding' })).entries
    const records = async () => (await entries()).map(({ json }) => JSON.parse(json))

    test('a finding is stored and recorded, and repeats are absorbed', async () => {
      const [one, two, three] = [1, 2, 3].map(i =>
        refusal('not_owner', { subject: psn(1), recording: `rec-${i}`, release: '4.12.0' }),
      ) as [LedgerEntry, LedgerEntry, LedgerEntry]
      await append(one, refusal('token_missing'))
      await append(two, three)
      const finding = await only()
      expect(finding).toMatchObject({
        ...{ rule: 'RG-001', version: 1, severity: 'high', tenant: 'default', state: 'open', count: 3 },
        group: { subject: psn(1) },
        evidence: { first: [one.id, two.id, three.id], last: [] },
        about: { subjects: [psn(1)], recordings: ['rec-1', 'rec-2', 'rec-3'], releases: ['4.12.0'] },
      })
      expect(await records()).toMatchObject([
        {
          ...{ kind: 'finding', action: 'opened', finding: finding.id, rule: 'RG-001', severity: 'high' },
          ...{ tenant: 'default', about: psn(1), count: 1, evidence: [one.id] },
          gate: { isolate: 'log', seq: 1 },
        },
      ])
    })

    test('a record that comes again is not found again', async () => {
      const entry = refusal('not_owner', { subject: psn(1) })
      await append(entry)
      await append(entry, entry)
      expect((await only()).count).toBe(1)
    })

    test('after a restart nothing is found again, and what comes is absorbed', async () => {
      await append(refusal('not_owner', { subject: psn(1) }))
      const { id } = await only()
      log = await log.restart()
      expect(await only()).toMatchObject({ id, count: 1 })
      await append(refusal('not_owner', { subject: psn(1) }))
      expect(await only()).toMatchObject({ id, count: 2 })
      expect((await records()).map(({ action }) => action)).toEqual(['opened'])
    })

    test('a short window is what it was after a restart, and a long one is stored', async () => {
      const net = { prefix: '203.0.113.0/24' }
      const unknown = (i: number) =>
        refusal('recording_unknown', { subject: psn(2), recording: `made-up-${i}` })
      for (let i = 0; i < 2; i++) await append(refusal('token_signature', { net }), unknown(i))
      log = await log.restart()
      expect(await list()).toEqual([])
      await append(unknown(0))
      expect(await list()).toEqual([])
      await append(refusal('token_signature', { net }), unknown(2))
      const found = await list()
      expect(found.map(({ rule, count }) => [rule, count]).sort()).toEqual([
        ['RG-007', 1],
        ['RG-016', 1],
      ])
    })

    test('the records of findings are numbered without a hole, restarts included, and as the schema says', async () => {
      for (let i = 0; i < 4; i++) {
        await append(refusal('not_owner', { subject: psn(i), recording: 'rec-1' }))
        if (i === 1) log = await log.restart()
        const [{ id = '' } = {}] = await list()
        await log.findings.act(id, { action: 'comment', by: ANALYST, text: 'a look' })
      }
      await log.settle()
      const all = await records()
      expect(all.map(({ gate }) => gate.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
      expect(all.map(record => recordErrors(canonical(record)))).toEqual(all.map(() => []))
    })

    test('several rules about one subject make one finding more, which names the others', async () => {
      const about = { subject: psn(3), recording: 'rec-1' }
      await append(refusal('not_owner', about))
      const unknown = [1, 2, 3].map(i =>
        refusal('recording_unknown', { ...about, recording: `made-up-${i}` }),
      )
      await append(...unknown)
      const found = await list()
      const joined = found.find(({ rule }) => rule === 'RG-100')
      expect(joined).toMatchObject({ severity: 'high', group: { subject: psn(3) } })
      expect([...(joined?.related ?? [])].sort()).toEqual(
        found
          .filter(({ rule }) => rule !== 'RG-100')
          .map(({ id }) => id)
          .sort(),
      )
    })

    test('a finding gives the held deliveries of its subject and its recordings their index, and no others', async () => {
      await append(
        delivery('one', { subject: psn(4), recording: 'rec-7' }),
        delivery('two', { subject: psn(5), recording: 'rec-8' }),
        delivery('three', { subject: psn(6), recording: 'rec-9' }),
      )
      expect(await log.ledger.held({})).toHaveLength(3)
      await append(refusal('not_owner', { subject: psn(4), recording: 'rec-8' }))
      const { entries } = await log.ledger.read({ limit: 10, kind: 'delivery' })
      expect(entries.map(({ json }) => JSON.parse(json).view).sort()).toEqual(['one', 'two'])
      expect(await log.ledger.held({})).toHaveLength(1)
    })

    test('rules see the deliveries that get their index with a finding', async () => {
      await append(delivery('one', { subject: psn(4), recording: 'canary' }))
      await append(refusal('not_owner', { subject: psn(4), recording: 'rec-1' }))
      expect((await list()).map(({ rule }) => rule).sort()).toEqual(['RG-001', 'RG-040', 'RG-100'])
    })

    test('a rule that fails keeps no record from the log, and the next records are watched', async () => {
      await append(refusal('gate_fault'))
      await append(refusal('not_owner', { subject: psn(1) }))
      expect((await log.ledger.read({ limit: 10, kind: 'access' })).entries).toHaveLength(2)
      expect((await only()).count).toBe(1)
    })

    test('values of any form neither stop the log nor are lost', async () => {
      const odd = ['a\0b', 'a\ud83d', 'x'.repeat(5_000), "'; DROP TABLE finding; --"]
      const entry = (subject: string) => {
        const { id, json } = refusal('not_owner', {})
        return { id, json: JSON.stringify({ ...JSON.parse(json), subject, recording: subject }) }
      }
      await append(...odd.map(entry))
      const unknown = odd.map(subject => {
        const { id, json } = refusal('recording_unknown', {})
        return { id, json: JSON.stringify({ ...JSON.parse(json), subject, recording: subject }) }
      })
      await append(...unknown)
      expect(await list()).toHaveLength(odd.length)
      await append(refusal('not_owner', { subject: psn(1) }))
      expect(await list()).toHaveLength(odd.length + 1)
    })

    test('what an analyst does changes the finding and is on record with the hash of the text, never the text', async () => {
      await append(refusal('not_owner', { subject: psn(1) }))
      const { id } = await only()
      const act = (action: 'assign' | 'acknowledge' | 'comment' | 'close' | 'reopen', more = {}) =>
        log.findings.act(id, { action, by: ANALYST, ...more })
      expect(await act('assign', { assignee: OTHER })).toMatchObject({
        finding: { state: 'under_review', assignee: OTHER },
      })
      expect(await act('acknowledge')).toMatchObject({ finding: { acknowledged: { by: ANALYST } } })
      expect(await act('comment', { text: 'called the patient' })).toMatchObject({ finding: { id } })
      expect(await act('close', { verdict: 'benign', text: 'a test phone' })).toMatchObject({
        finding: { state: 'closed', verdict: 'benign' },
      })
      expect(await act('close', { verdict: 'test' })).toEqual({ refused: 'closed' })
      expect(await act('reopen')).toMatchObject({ finding: { state: 'open' } })
      expect(await act('reopen')).toEqual({ refused: 'not_closed' })
      expect(await act('close')).toEqual({ refused: 'incomplete' })
      expect(await act('comment')).toEqual({ refused: 'incomplete' })
      expect(await act('comment', { text: 'x'.repeat(4_001) })).toEqual({ refused: 'incomplete' })
      await log.settle()
      const all = await records()
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('called the patient'))
      const sha256 = hexOf(new Uint8Array(digest))
      expect(all.map(({ action, subject, said }) => [action, subject, said?.sha256])).toMatchObject([
        ['opened', undefined, undefined],
        ['assigned', ANALYST, undefined],
        ['acknowledged', ANALYST, undefined],
        ['commented', ANALYST, sha256],
        ['closed', ANALYST, expect.stringMatching(/^[0-9a-f]{64}$/)],
        ['reopened', ANALYST, undefined],
      ])
      expect(JSON.stringify(all)).not.toMatch(/patient|phone/)
      const shown = await log.findings.show(id)
      expect(shown?.texts.map(({ text }) => text)).toEqual(['called the patient', 'a test phone'])
      expect(heardIn(await entries())).toEqual(['opened', 'acknowledged', 'closed', 'reopened'])
    })

    test('a finding that waits for a quarter of an hour is escalated once, restarts included', async () => {
      await append(refusal('not_owner', { subject: psn(1) }), refusal('not_owner', { subject: psn(2) }))
      const [of2] = await list()
      await log.findings.act(of2?.id ?? '', { action: 'acknowledge', by: ANALYST })
      const escalated = async () => (await records()).filter(({ action }) => action === 'escalated')
      await log.pass(14 * 60_000)
      expect(await escalated()).toEqual([])
      log = await log.restart()
      await log.pass(60_000)
      expect(await escalated()).toMatchObject([{ about: psn(1), severity: 'high' }])
      log = await log.restart()
      await log.pass(60_000)
      expect(await escalated()).toHaveLength(1)
      expect((await records()).flatMap(record => recordErrors(canonical(record)))).toEqual([])
    })

    test('that a rule had something locked down is on record once, with no analyst, and the finding stays open', async () => {
      await append(refusal('not_owner', { subject: psn(1) }))
      const { id } = await only()
      const contain = { action: 'contain', by: 'RG-001', epoch: 7 } as const
      const acted = await log.findings.act(id, contain)
      expect(acted).toMatchObject({ finding: { state: 'open', contained: { by: 'RG-001', epoch: 7 } } })
      log = await log.restart()
      expect(await log.findings.act(id, { ...contain, epoch: 8 })).toEqual({ refused: 'contained' })
      await log.settle()
      const [, contained, ...others] = await records()
      expect(contained).toMatchObject({ action: 'contained', epoch: 7, finding: id })
      expect([contained.subject, others]).toEqual([undefined, []])
      expect(recordErrors(canonical(contained))).toEqual([])
    })

    test('canaries are known to the rules at once and after a restart, and on record without their ids', async () => {
      const touched = async () => (await list({ rule: 'RG-040' })).map(({ group }) => group.recording)
      const touch = (recording: string) => append(refusal('role_missing', { recording }))
      await touch('rec-c1')
      expect(await log.findings.addCanaries(['rec-c1', 'rec-c2', 'rec-c1'], ANALYST)).toEqual({ added: 2 })
      expect(await log.findings.addCanaries(['rec-c2'], ANALYST)).toEqual({ added: 0 })
      expect([...(await log.findings.canaries())].sort()).toEqual(['rec-c1', 'rec-c2'])
      expect(await touched()).toEqual([])
      await touch('rec-c1')
      expect(await touched()).toEqual(['rec-c1'])
      log = await log.restart()
      await touch('rec-c2')
      await touch('rec-c3')
      expect(await touched()).toEqual(['rec-c2', 'rec-c1'])
      expect([...(await log.findings.canaries())].sort()).toEqual(['rec-c1', 'rec-c2'])
      const added = (await records()).filter(({ action }) => action === 'canary_added')
      expect(added).toMatchObject([{ rule: 'RG-040', count: 2, subject: ANALYST }])
      expect(JSON.stringify(added)).not.toContain('rec-c')
      expect((await records()).flatMap(record => recordErrors(canonical(record)))).toEqual([])
      const many = Array.from({ length: 9_999 }, (_, i) => `many-${i}`)
      expect(await log.findings.addCanaries(many, ANALYST)).toEqual({ refused: 'too_many' })
    })

    test('a text can be erased, once, and the erasure is on record', async () => {
      await append(refusal('not_owner', { subject: psn(1) }))
      const { id } = await only()
      await log.findings.act(id, { action: 'comment', by: ANALYST, text: 'a name by mistake' })
      const [text] = (await log.findings.show(id))?.texts ?? []
      expect(await log.findings.eraseText(text?.id ?? '', OTHER)).toBe(true)
      expect(await log.findings.eraseText(text?.id ?? '', OTHER)).toBe(false)
      const { text: _, ...rest } = text ?? {}
      expect((await log.findings.show(id))?.texts).toEqual([rest])
      await log.settle()
      expect((await records()).at(-1)).toMatchObject({
        action: 'text_erased',
        subject: OTHER,
        said: { id: text?.id },
      })
    })

    test('a closed finding absorbs nothing: the next one names it', async () => {
      await append(refusal('not_owner', { subject: psn(1) }))
      const { id } = await only()
      await log.findings.act(id, { action: 'close', by: ANALYST, verdict: 'false_positive' })
      log = await log.restart()
      await append(refusal('not_owner', { subject: psn(1) }))
      expect(await list()).toMatchObject([{ count: 1, previous: id }])
      expect(await list({ state: 'closed' })).toMatchObject([{ id, count: 1 }])
    })

    test('a suppression is counted, keeps its findings from being alerted, and ends', async () => {
      const wanted = { rule: 'RG-001', group: { subject: psn(1) }, by: ANALYST, reason: 'a family' }
      const made = await log.findings.suppress({ ...wanted, expires: Date.now() + 3_600_000 })
      const { id } = 'suppression' in made ? made.suppression : { id: '' }
      log = await log.restart()
      await append(refusal('not_owner', { subject: psn(1) }), refusal('not_owner', { subject: psn(1) }))
      await append(refusal('not_owner', { subject: psn(2) }))
      expect(await log.findings.suppressions()).toMatchObject([
        { id, hits: 2, owner: ANALYST, reason: { text: 'a family' } },
      ])
      const [of2, of1] = await list()
      expect(of1).toMatchObject({ suppressed_by: id, count: 2 })
      await log.settle()
      expect(heardOf(await entries()).map(({ finding }) => finding)).toEqual([of2?.id])
      expect(await log.findings.endSuppression(id, OTHER)).toBe(true)
      expect(await log.findings.endSuppression(id, OTHER)).toBe(false)
      await append(refusal('not_owner', { subject: psn(1) }))
      expect(heardIn(await entries())).toEqual(['opened', 'unsuppressed'])
      const actions = (await records()).map(({ action, suppression }) => [action, suppression])
      expect(actions).toEqual([
        ['suppression_added', id],
        ['suppressed', id],
        ['opened', undefined],
        ['suppression_ended', id],
        ['unsuppressed', undefined],
      ])
      expect((await records()).map(record => recordErrors(canonical(record)))).toEqual(actions.map(() => []))
    })

    test('a maintenance window keeps all rules quiet that may be, from its beginning to its end', async () => {
      const [starts, expires] = [Date.now() + 3_600_000, Date.now() + 7_200_000]
      const wanted = { rule: '*', group: {}, by: ANALYST, reason: 'a migration', starts, expires }
      const made = await log.findings.suppress(wanted)
      const id = 'suppression' in made ? made.suppression.id : ''
      expect((await log.findings.suppressions()).map(({ starts: from }) => from)).toEqual([starts])
      await append(refusal('not_owner', { subject: psn(1) }))
      log = await log.restart()
      await log.pass(3_600_000)
      const canary = delivery('one', { subject: psn(8), recording: 'canary' })
      await append(refusal('not_owner', { subject: psn(2) }), canary)
      await append(refusal('not_owner', { subject: psn(8) }))
      await log.pass(3_600_000)
      await append(refusal('not_owner', { subject: psn(3) }))
      const found = (await list({ state: 'all' })).filter(({ rule }) => rule !== 'RG-100')
      const quiet = found.map(({ rule, group, suppressed_by }) => [rule, group.subject, suppressed_by])
      expect(quiet.sort()).toEqual([
        ['RG-001', psn(1), undefined],
        ['RG-001', psn(2), id],
        ['RG-001', psn(3), undefined],
        ['RG-001', psn(8), id],
        ['RG-040', undefined, undefined],
      ])
      const added = (await records()).find(({ action }) => action === 'suppression_added')
      expect(added).toMatchObject({ rule: '*', starts: new Date(starts).toISOString() })
      expect((await records()).flatMap(record => recordErrors(canonical(record)))).toEqual([])
    })

    test.each([
      ['for longer than 30 days', { expires: Date.now() + 31 * 24 * 3_600_000 }, 'expires_wrong'],
      ['that is over', { expires: Date.now() - 1 }, 'expires_wrong'],
      ['that begins after its end', { starts: Date.now() + 2_000_000 }, 'expires_wrong'],
      ['of a rule that must be heard', { rule: 'RG-040' }, 'never_suppressed'],
      ['by what its rule is not grouped by', { group: { release: '4.12.0' } }, 'group_wrong'],
      ['of a crowd by a person', { group: { subject: psn(1) }, crowd: true as const }, 'group_wrong'],
      ['without a reason', { reason: ' ' }, 'incomplete'],
    ])('a suppression %s is refused', async (_, wrong, refused) => {
      const wanted = {
        rule: 'RG-001',
        group: {},
        by: ANALYST,
        reason: 'why',
        expires: Date.now() + 1_000_000,
      }
      expect(await log.findings.suppress({ ...wanted, ...wrong })).toEqual({ refused })
      expect(await records()).toEqual([])
    })

    test('the findings of a tenant are shown to its analysts alone, who can change no others', async () => {
      await append(
        refusal('not_owner', { subject: psn(1), tenant: 'north' }),
        refusal('not_owner', { subject: psn(1), tenant: 'south' }),
      )
      const [south] = await list({ tenant: 'south' })
      expect(await list({ tenant: 'north' })).toHaveLength(1)
      expect(await list()).toHaveLength(2)
      const id = south?.id ?? ''
      expect(await log.findings.show(id, 'north')).toBeUndefined()
      expect(await log.findings.show(id, 'south')).toMatchObject({ finding: { id } })
      const close = { action: 'close', by: ANALYST, verdict: 'benign' } as const
      expect(await log.findings.act(id, { ...close, tenant: 'north' })).toEqual({ refused: 'unknown' })
      expect(await log.findings.act('no such id', close)).toEqual({ refused: 'unknown' })
      await log.findings.act(id, { action: 'comment', by: ANALYST, text: 'of the south' })
      const [text] = (await log.findings.show(id))?.texts ?? []
      expect(await log.findings.eraseText(text?.id ?? '', ANALYST, 'north')).toBe(false)
      const wanted = {
        rule: 'RG-001',
        group: {},
        by: ANALYST,
        reason: 'why',
        expires: Date.now() + 1_000_000,
      }
      const made = await log.findings.suppress({ ...wanted, tenant: 'south' })
      const suppression = 'suppression' in made ? made.suppression.id : ''
      expect(await log.findings.suppressions('north')).toEqual([])
      expect(await log.findings.endSuppression(suppression, ANALYST, 'north')).toBe(false)
    })

    test('findings are listed page by page, the newest first, by what they are about', async () => {
      for (let i = 0; i < 5; i++) {
        await append(
          refusal('not_owner', { subject: psn(i), recording: `rec-${i % 2}`, release: `4.1${i}.0` }),
        )
      }
      const pages: string[][] = []
      for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
        const page = await log.findings.list({ limit: 2, ...(cursor && { cursor }) })
        pages.push(page.findings.map(({ group }) => group.subject ?? ''))
        cursor = page.cursor
      }
      expect(pages.flat()).toEqual([4, 3, 2, 1, 0].map(psn))
      const subjects = async (query: object) => (await list(query)).map(({ group }) => group.subject)
      expect(await subjects({ recording: 'rec-1' })).toEqual([psn(3), psn(1)])
      expect(await subjects({ subject: [psn(2), psn(99)] })).toEqual([psn(2)])
      expect(await subjects({ release: '4.14.0' })).toEqual([psn(4)])
      expect(await subjects({ severity: 'critical' })).toEqual([])
      expect(await subjects({ rule: 'RG-002' })).toEqual([])
      expect(await subjects({ since: Date.now() + 1_000 })).toEqual([])
      expect(await subjects({ state: 'under_review' })).toEqual([])
    })
  })
}
