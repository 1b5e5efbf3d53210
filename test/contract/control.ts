import { describe, expect, test } from 'vitest'
import { type Control, MAX_CHANGES, PROPOSAL, type Undoing } from '../../src/control/control.ts'
import type { Change, NewRestriction } from '../../src/control/restriction.ts'
import { type Concerned, Restrictions } from '../../src/control/restrictions.ts'

// What every adapter of the port Control must do.

/** Restrictions under test, with a clock that the test moves. */
export interface ControlTrial {
  /** Opens the restrictions, a second time as another process does if several may have them. */
  open(): Control
  /** Opens them after a restart. What was opened before is closed. */
  restart(): Control | Promise<Control>
  /** Moves the clock on by so many milliseconds. */
  pass(milliseconds: number): void
  now(): number
}

export const lockdown = (at: number, members: Partial<NewRestriction> = {}): NewRestriction => ({
  ...{ kind: 'lockdown', scope: 'recording', value: 'rec-1', at, by: 'psn_analyst1' },
  ...members,
})
export const revocation = (at: number, number: number): NewRestriction => ({
  ...{ kind: 'revocation', scope: 'session', value: `psn_${`${number}`.padStart(43, '0')}` },
  ...{ at, by: 'https://login.clinic.test/', until: at + 3_600_000 },
})
const NO_ONE: Concerned = {
  ...{ recording: undefined, release: undefined, issued: undefined },
  ...{ tenants: [], subjects: [], actors: [], sessions: [], tokens: [] },
}
const undoing = (at: number, members: Partial<Undoing> = {}): Undoing => ({
  ...{ by: 'psn_analyst1', at, needsSecond: false },
  ...members,
})

interface ControlLimits {
  /** How many revocations there are. */
  readonly many?: number
  /** How many are added at once. */
  readonly burst?: number
  /** How long a call that finds nothing may take, in milliseconds. */
  readonly idle?: number
}

/** Reads all changes after an epoch, as a reader does. Resolves to the pages' changes and the last epoch. */
export async function readChanges(control: Control, after = 0) {
  const all: Change[] = []
  const sizes: number[] = []
  for (let page = await control.changes(after, 0); ; page = await control.changes(page.epoch, 0)) {
    all.push(...page.changes)
    sizes.push(page.changes.length)
    if (!page.more) return { all, sizes, epoch: page.epoch }
  }
}
const epochsOf = (changes: readonly Change[]) => changes.map(({ epoch }) => epoch)

export function controlContract(
  name: string,
  withTrial: (work: (trial: ControlTrial) => Promise<void>) => Promise<void>,
  { many = 100_000, burst = 1_000, idle = 1 }: ControlLimits = {},
): void {
  describe(`${name} for restrictions`, () => {
    test('nothing is in force at first, and a reader that does not wait is answered at once', () =>
      withTrial(async ({ open }) => {
        const control = open()
        expect(await control.changes(0, 0)).toEqual({ changes: [], epoch: 0, more: false })
        expect(await control.list()).toEqual([])
        expect(await control.reasons(1)).toEqual({})
      }))

    test('what is added is a change without its author and its reason, and listed with both', () =>
      withTrial(async ({ open, now }) => {
        const control = open()
        const whole: Partial<NewRestriction> = {
          ...{ scope: 'release', value: '4.12.0', tenant: 'clinic-7', until: now() + 60_000, uploads: true },
          ...{ reason: 'foreign recordings', finding: 'fnd_1' },
        }
        expect(await control.add(lockdown(now(), whole))).toBe(1)
        expect(await control.add(lockdown(now(), { scope: 'everything' }))).toBe(2)
        expect(await control.add({ ...revocation(now(), 3), issued: 1_700_000_000 })).toBe(3)
        const { changes, epoch, more } = await control.changes(0, 0)
        const { reason: _, finding: __, ...shown } = whole
        expect(changes).toEqual([
          { epoch: 1, kind: 'lockdown', ...shown },
          { epoch: 2, kind: 'lockdown', scope: 'everything', value: 'rec-1' },
          {
            ...{ epoch: 3, kind: 'revocation', scope: 'session', value: revocation(0, 3).value },
            ...{ until: now() + 3_600_000, issued: 1_700_000_000 },
          },
        ])
        expect([epoch, more]).toEqual([3, false])
        expect(await control.list()).toEqual([
          { epoch: 1, ...lockdown(now(), whole) },
          { epoch: 2, ...lockdown(now(), { scope: 'everything' }) },
        ])
        expect(await control.changes(2, 0)).toMatchObject({ changes: [{ epoch: 3 }], epoch: 3 })
      }))

    test('a hundred that are added at once get the epochs 1 to 100, and no reader misses one', () =>
      withTrial(async ({ open, now }) => {
        const [control, reader] = [open(), open()]
        const seen: number[] = []
        const reading = (async () => {
          for (let after = 0; after < 100; ) {
            const page = await reader.changes(after, 5_000)
            seen.push(...epochsOf(page.changes))
            after = page.epoch
          }
        })()
        const adding = Array.from({ length: 100 }, (_, i) =>
          (i % 2 ? control : reader).add(lockdown(now(), { value: `rec-${i}` })),
        )
        const epochs = await Promise.all(adding)
        await reading
        const expected = Array.from({ length: 100 }, (_, i) => i + 1)
        expect(epochs.sort((a, b) => a - b)).toEqual(expected)
        expect(seen).toEqual(expected)
      }))

    test('what was added and undone is there after a restart, and epochs go on', () =>
      withTrial(async ({ open, restart, now }) => {
        const before = open()
        await before.add(lockdown(now(), { reason: 'first' }))
        await before.add(lockdown(now(), { value: 'rec-2' }))
        await before.undo(1, undoing(now(), { reason: 'a mistake' }))
        const after = await restart()
        expect(epochsOf((await after.changes(0, 0)).changes)).toEqual([2])
        expect((await after.list()).map(({ epoch }) => epoch)).toEqual([2])
        expect(await after.reasons(1)).toEqual({ made: 'first', undone: 'a mistake' })
        expect(await after.add(lockdown(now()))).toBe(4)
      }))

    test('a reader that holds what was undone learns of it, however long it has slept, and a new one sees neither', () =>
      withTrial(async ({ open, now, pass }) => {
        const control = open()
        await control.add(lockdown(now()))
        await control.add(lockdown(now(), { value: 'rec-2' }))
        await control.add(lockdown(now(), { value: 'rec-3' }))
        expect(await control.undo(1, undoing(now()))).toBe('undone')
        expect(await control.undo(3, undoing(now()))).toBe('undone')
        pass(400 * 86_400_000)
        for (let i = 0; i < 5; i++) await control.add(revocation(now(), i))
        expect((await control.changes(2, 0)).changes[0]).toEqual({ epoch: 4, undoes: 1 })
        expect((await control.changes(3, 0)).changes.slice(0, 2)).toEqual([
          { epoch: 4, undoes: 1 },
          { epoch: 5, undoes: 3 },
        ])
        expect((await control.changes(0, 0)).changes[0]).toMatchObject({ epoch: 2, value: 'rec-2' })
      }))

    test('what is not in force can not be undone: unknown, undone, ended, or an undo', () =>
      withTrial(async ({ open, now, pass }) => {
        const control = open()
        await control.add(lockdown(now(), { until: now() + 1_000 }))
        await control.add(lockdown(now()))
        await control.undo(2, undoing(now()))
        expect(await control.undo(2, undoing(now()))).toBe('unknown')
        expect(await control.undo(3, undoing(now()))).toBe('unknown')
        expect(await control.undo(99, undoing(now()))).toBe('unknown')
        pass(1_000)
        expect(await control.undo(1, undoing(now()))).toBe('unknown')
        expect((await control.changes(0, 0)).epoch).toBe(3)
      }))

    test('what ended by itself is neither listed nor a change, before its time it is', () =>
      withTrial(async ({ open, now, pass }) => {
        const control = open()
        await control.add(lockdown(now(), { until: now() + 1_000 }))
        pass(999)
        expect(await control.list()).toHaveLength(1)
        expect((await control.changes(0, 0)).changes).toHaveLength(1)
        pass(1)
        expect(await control.list()).toEqual([])
        expect(await control.changes(0, 0)).toMatchObject({ changes: [], epoch: 1, more: false })
        pass(86_400_000)
        expect(await control.add(lockdown(now()))).toBe(2)
      }))

    test('a second person agrees to a proposal within the hour, the same one never does', () =>
      withTrial(async ({ open, now, pass }) => {
        const control = open()
        await control.add(lockdown(now(), { scope: 'everything' }))
        const first = { needsSecond: true, reason: 'all clear' }
        expect(await control.undo(1, undoing(now(), first))).toBe('proposed')
        const proposed = { by: 'psn_analyst1', at: now(), reason: 'all clear' }
        expect(await control.list()).toMatchObject([{ epoch: 1, proposed }])
        expect(await control.undo(1, undoing(now(), first))).toBe('proposed')
        expect((await control.changes(0, 0)).changes).toHaveLength(1)
        pass(PROPOSAL - 1)
        expect(await control.undo(1, undoing(now(), { by: 'psn_analyst2', needsSecond: true }))).toBe(
          'undone',
        )
        expect(await control.changes(1, 0)).toMatchObject({ changes: [{ epoch: 2, undoes: 1 }] })
        expect(await control.list()).toEqual([])
      }))

    test('a proposal is forgotten after an hour, and the next one begins another', () =>
      withTrial(async ({ open, now, pass }) => {
        const control = open()
        await control.add(lockdown(now(), { scope: 'tenant', value: 'clinic-7' }))
        await control.undo(1, undoing(now(), { needsSecond: true }))
        pass(PROPOSAL)
        expect((await control.list())[0]).not.toHaveProperty('proposed')
        expect(await control.undo(1, undoing(now(), { by: 'psn_analyst2', needsSecond: true }))).toBe(
          'proposed',
        )
        expect(await control.list()).toMatchObject([{ proposed: { by: 'psn_analyst2', at: now() } }])
        expect(await control.undo(1, undoing(now(), { needsSecond: true }))).toBe('undone')
      }))

    test('a person who has several names never agrees with itself, and others who agree at once do not count it', () =>
      withTrial(async ({ open, now }) => {
        const controls = [open(), open()]
        await controls[0]?.add(lockdown(now(), { scope: 'everything' }))
        const names = ['psn_new', 'psn_old', 'psn_staff']
        const undone = await Promise.all(
          names.map((by, i) => controls[i % 2]?.undo(1, undoing(now(), { by, names, needsSecond: true }))),
        )
        expect(undone).toEqual(['proposed', 'proposed', 'proposed'])
        expect(
          await controls[1]?.undo(1, undoing(now(), { by: 'psn_2', names: [], needsSecond: true })),
        ).toBe('undone')
      }))

    test('what only proposes never undoes, though another person has proposed the same', () =>
      withTrial(async ({ open, now }) => {
        const control = open()
        await control.add(lockdown(now(), { scope: 'everything' }))
        for (const by of ['psn_1', 'psn_2']) {
          const only = undoing(now(), { by, needsSecond: true, onlyProposes: true })
          expect(await control.undo(1, only)).toBe('proposed')
        }
        expect((await control.changes(0, 0)).epoch).toBe(1)
        expect(await control.undo(1, undoing(now(), { by: 'psn_1', needsSecond: true }))).toBe('undone')
      }))

    test('one who needs no second person undoes what another one has proposed', () =>
      withTrial(async ({ open, now }) => {
        const control = open()
        await control.add(lockdown(now()))
        await control.undo(1, undoing(now(), { needsSecond: true }))
        expect(await control.undo(1, undoing(now()))).toBe('undone')
      }))

    test('two second persons at once undo once', () =>
      withTrial(async ({ open, now }) => {
        const controls = [open(), open()]
        await controls[0]?.add(lockdown(now(), { scope: 'everything' }))
        await controls[0]?.undo(1, undoing(now(), { needsSecond: true }))
        const undone = await Promise.all(
          controls.map((control, i) =>
            control.undo(1, undoing(now(), { by: `psn_second${i}`, needsSecond: true })),
          ),
        )
        expect(undone.sort()).toEqual(['undone', 'unknown'])
        expect((await controls[1]?.changes(0, 0))?.epoch).toBe(2)
      }))

    test('a revocation takes the place of one of the same login: for the longer time, up to the later moment', () =>
      withTrial(async ({ open, restart, now, pass }) => {
        const control = open()
        const before = new Restrictions()
        const one = (members: Partial<NewRestriction>) => control.add({ ...revocation(now(), 1), ...members })
        const [soon, late] = [now() + 60_000, now() + 3_600_000]
        await one({ until: late, issued: 100 })
        before.apply(await control.changes(0, 0), now())
        await one({ until: soon, issued: 200.5 })
        await one({ scope: 'token', until: soon })
        const { kind, scope, value } = revocation(0, 1)
        const after = await restart()
        const expected = [
          { epoch: 2, kind, scope, value, until: late, issued: 200.5 },
          { epoch: 3, kind, scope: 'token', value, until: soon },
        ]
        expect((await after.changes(0, 0)).changes).toEqual(expected)
        expect((await after.changes(1, 0)).changes).toEqual(expected)
        expect(await after.undo(1, undoing(now()))).toBe('unknown')
        // A reader that has the earlier one.
        before.apply(await after.changes(1, 0), now())
        const isRevoked = (issued: number, at: number) =>
          before.isRevoked({ ...NO_ONE, sessions: [value ?? ''], issued }, at)
        expect([isRevoked(150, late - 1), isRevoked(200.5, late - 1)]).toEqual([true, true])
        expect([isRevoked(201, soon - 1), isRevoked(150, late)]).toEqual([false, false])
        pass(86_400_000)
        await after.add({ ...revocation(now(), 1), until: now() + 60_000, issued: 300 })
        expect((await after.changes(0, 0)).changes).toMatchObject([{ epoch: 4, issued: 300 }])
        await after.add({ kind, scope, ...(value !== undefined && { value }), at: now(), by: 'x' })
        expect((await after.changes(0, 0)).changes).toEqual([{ epoch: 5, kind, scope, value }])
        // What has ended adds nothing to the next one.
        await after.addOnce([{ ...revocation(now(), 2), until: now() + 1_000 }], { key: 'k', until: now() })
        pass(1_000)
        await after.add({ ...revocation(now(), 2), until: now() + 9_000, issued: 1 })
        expect((await after.changes(5, 0)).changes).toMatchObject([{ epoch: 7, issued: 1 }])
      }))

    test('one login that ends a thousand times is one restriction', () =>
      withTrial(async ({ open, now }) => {
        const control = open()
        for (let i = 0; i < 10; i++) {
          const all = Array.from({ length: 100 }, () => control.add(revocation(now(), 1)))
          await Promise.all(all)
        }
        expect((await control.changes(0, 0)).changes).toMatchObject([{ epoch: 1_000 }])
        expect((await control.changes(500, 0)).changes).toMatchObject([{ epoch: 1_000 }])
      }))

    test('of many that come at once with one key, the first adds all it has and the others nothing', () =>
      withTrial(async ({ open, now }) => {
        const controls = [open(), open()]
        const several = [revocation(now(), 1), lockdown(now(), { reason: 'why' })]
        const once = { key: 'logout:1', until: now() + 60_000 }
        const adding = Array.from({ length: 20 }, (_, i) => controls[i % 2]?.addOnce(several, once))
        const added = await Promise.all(adding)
        expect(added.filter(one => one?.isFirst)).toHaveLength(1)
        expect(added.map(one => one?.epochs)).toEqual(Array(20).fill([1, 2]))
        const { changes, epoch } = (await controls[1]?.changes(0, 0)) ?? {}
        expect(epoch).toBe(2)
        expect(changes).toMatchObject([
          { epoch: 1, value: several[0]?.value },
          { epoch: 2, value: 'rec-1' },
        ])
        expect(JSON.stringify(changes)).not.toContain('logout:1')
        expect(await controls[0]?.reasons(2)).toEqual({ made: 'why' })
        expect(await controls[0]?.addOnce([], { ...once, key: 'logout:2' })).toEqual({
          epochs: [],
          isFirst: true,
        })
        expect(await controls[0]?.addOnce(several, { ...once, key: 'logout:3' })).toEqual({
          epochs: [3, 4],
          isFirst: true,
        })
      }))

    test('a key is remembered after a restart, though all is undone or has ended, and forgotten after its time', () =>
      withTrial(async ({ open, restart, now, pass }) => {
        const before = open()
        const once = { key: 'finding:1', until: now() + 60_000 }
        const some = [lockdown(now(), { until: now() + 1_000 }), lockdown(now())]
        expect(await before.addOnce(some, once)).toEqual({ epochs: [1, 2], isFirst: true })
        await before.undo(2, undoing(now()))
        pass(59_999)
        const after = await restart()
        expect(await after.addOnce([lockdown(now())], once)).toEqual({ epochs: [1, 2], isFirst: false })
        expect(await after.list()).toEqual([])
        pass(3_600_000)
        await after.add(lockdown(now()))
        expect(await after.addOnce([lockdown(now())], once)).toEqual({ epochs: [5], isFirst: true })
      }))

    test('a reason that is erased is nowhere, and the restriction stays', () =>
      withTrial(async ({ open, now }) => {
        const control = open()
        await control.add(lockdown(now(), { reason: 'Mrs Berg saw it' }))
        await control.add(lockdown(now(), { reason: 'kept' }))
        await control.undo(1, undoing(now(), { reason: 'Mrs Berg again', needsSecond: true }))
        await control.eraseReason(1)
        await control.eraseReason(99)
        const { reason: _, ...rest } = lockdown(now())
        expect(await control.list()).toEqual([
          { epoch: 1, ...rest, proposed: { by: 'psn_analyst1', at: now() } },
          { epoch: 2, ...lockdown(now(), { reason: 'kept' }) },
        ])
        await control.undo(1, undoing(now(), { reason: 'a third time' }))
        await control.eraseReason(1)
        expect([await control.reasons(1), await control.reasons(2)]).toEqual([{}, { made: 'kept' }])
      }))

    test.each([
      ['with a NUL', 'a\0b'],
      ['with half of a character', 'a\ud83d'],
      ['that looks like SQL', "'); DROP TABLE restriction; --"],
      ['with a backslash and quotes', '\\"\\\'$$'],
      ['of 10,000 characters', 'ä'.repeat(10_000)],
    ])('a reason and a value %s come back as they were', (_, reason) =>
      withTrial(async ({ open, now }) => {
        const control = open()
        await control.add(lockdown(now(), { reason, value: reason, by: reason }))
        await control.undo(1, undoing(now(), { by: 'x', reason, needsSecond: true }))
        const [listed] = await control.list()
        expect([listed?.reason, listed?.value, listed?.by, listed?.proposed?.reason]).toEqual(
          Array(4).fill(reason),
        )
        await control.undo(1, undoing(now(), { reason }))
        expect(await control.reasons(1)).toEqual({ made: reason, undone: reason })
      }),
    )

    test('a call that waits is woken by the next change, others go on waiting until their time is over', () =>
      withTrial(async ({ open, now }) => {
        const control = open()
        await control.add(lockdown(now()))
        const began = performance.now()
        const waiting = Array.from({ length: 10 }, () => control.changes(1, 20_000))
        const brief = await control.changes(1, 300)
        expect(brief).toMatchObject({ changes: [], epoch: 1, more: false })
        expect(performance.now() - began).toBeGreaterThan(290)
        const added = performance.now()
        await control.add(lockdown(now(), { value: 'rec-2' }))
        for (const page of await Promise.all(waiting)) {
          expect(page).toMatchObject({ changes: [{ epoch: 2, value: 'rec-2' }], epoch: 2 })
        }
        expect(performance.now() - added).toBeLessThan(2_000)
        const waitingForUndo = control.changes(2, 20_000)
        await new Promise(resolve => setTimeout(resolve, 50))
        const undone = performance.now()
        await control.undo(1, undoing(now()))
        expect(await waitingForUndo).toMatchObject({ changes: [{ epoch: 3, undoes: 1 }] })
        expect(performance.now() - undone).toBeLessThan(2_000)
      }))

    test('after an epoch that the storage does not know a reader begins from the start', () =>
      withTrial(async ({ open, now }) => {
        const control = open()
        expect(await control.changes(7, 20_000)).toEqual({
          changes: [],
          epoch: 0,
          more: false,
          restart: true,
        })
        await control.add(lockdown(now()))
        const { changes, epoch, restart } = await control.changes(7, 20_000)
        expect([epochsOf(changes), epoch, restart]).toEqual([[1], 1, true])
      }))

    test('a reader that names a change by another mark begins from the start, though it waits', () =>
      withTrial(async ({ open, restart, now, pass }) => {
        const control = open()
        await control.add(lockdown(now()))
        await control.add(lockdown(now(), { value: 'rec-2' }))
        const { mark } = await control.changes(0, 0)
        expect(mark).toMatch(/^.{8,40}$/)
        expect(await control.changes(2, 0, mark)).toEqual({ changes: [], epoch: 2, mark, more: false })
        for (const epoch of [1, 2]) {
          const page = await control.changes(epoch, 20_000, '0'.repeat(16))
          expect([page.restart, epochsOf(page.changes), page.mark]).toEqual([true, [1, 2], mark])
        }
        expect(await control.changes(0, 0, 'of no change')).not.toHaveProperty('restart')
        pass(1_000)
        const after = open()
        const last = await after.add(lockdown(now(), { value: 'rec-2', until: now() + 1_000 }))
        const next = await after.changes(2, 0, mark)
        expect(next).toMatchObject({ changes: [{ epoch: last }], epoch: last })
        expect(next).not.toHaveProperty('restart')
        // The last change is known by its mark for however long.
        pass(400 * 86_400_000)
        const reopened = await restart()
        if ((await reopened.changes(0, 0)).mark !== next.mark) throw new Error('the mark has changed')
        await reopened.add(lockdown(now(), { value: 'rec-4' }))
        const then = await reopened.changes(last, 0, next.mark)
        expect([then.restart, epochsOf(then.changes)]).toEqual([undefined, [last + 1]])
      }))

    test('a reader that has a revocation which another one replaced, or a lockdown that was undone, begins nowhere else', () =>
      withTrial(async ({ open, now }) => {
        const control = open()
        await control.add(revocation(now(), 1))
        const one = await control.changes(0, 0)
        await control.add(revocation(now(), 1))
        expect(await control.changes(1, 0, one.mark)).toMatchObject({ changes: [{ epoch: 2 }], epoch: 2 })
        expect(await control.changes(1, 0, one.mark)).not.toHaveProperty('restart')
        await control.add(lockdown(now()))
        const two = await control.changes(2, 0)
        await control.undo(3, undoing(now()))
        const three = await control.changes(3, 0, two.mark)
        expect([three.changes, three.restart]).toEqual([[{ epoch: 4, undoes: 3 }], undefined])
      }))

    test(`${many.toLocaleString('en')} revocations are read page by page, and an idle reader gets under 1 KiB, soon`, () =>
      withTrial(async ({ open, now, pass }) => {
        const control = open()
        for (let i = 0; i < many; i += burst) {
          const some = Array.from({ length: Math.min(burst, many - i) }, (_, j) => revocation(now(), i + j))
          await Promise.all(some.map(one => control.add(one)))
        }
        await control.add(lockdown(now()))
        const { all, sizes, epoch } = await readChanges(open())
        expect(epochsOf(all)).toEqual(Array.from({ length: many + 1 }, (_, i) => i + 1))
        expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_CHANGES)
        expect([epoch, (await control.list()).length]).toEqual([many + 1, 1])
        expect(JSON.stringify(await control.changes(epoch, 0)).length).toBeLessThan(1_024)
        const began = performance.now()
        for (let i = 0; i < 100; i++) await control.changes(epoch, 0)
        expect((performance.now() - began) / 100).toBeLessThan(idle)
        // When they have ended, a new reader gets what is left.
        pass(3_600_000)
        expect(await control.changes(0, 0)).toMatchObject({
          changes: [{ scope: 'recording' }],
          more: false,
        })
      }))
  })
}
