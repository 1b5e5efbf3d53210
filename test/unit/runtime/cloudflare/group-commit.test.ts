import { expect, test, vi } from 'vitest'
import type { LedgerEntry } from '../../../../src/ledger/ledger.ts'
import { GroupCommit } from '../../../../src/runtime/cloudflare/group-commit.ts'

const entry = (id: string): LedgerEntry => ({ id, json: '{}' })

/** A ledger whose calls end when the test says so. */
function ledger() {
  const calls: { readonly ids: string; readonly end: () => void; readonly fail: (error: Error) => void }[] =
    []
  const send = (entries: readonly LedgerEntry[]) =>
    new Promise<void>((end, fail) => {
      calls.push({ ids: entries.map(({ id }) => id).join(''), end, fail })
    })
  return { calls, send }
}
const turn = () => new Promise(resolve => setImmediate(resolve))

test('what comes while a call is under way goes together in the next one', async () => {
  const { calls, send } = ledger()
  const group = new GroupCommit()
  const done: string[] = []
  for (const id of 'abcd') void group.append([entry(id)], send).then(() => done.push(id))
  expect(calls.map(({ ids }) => ids)).toEqual(['a'])
  calls[0]?.end()
  await turn()
  expect(done).toEqual(['a'])
  const later = group.append([entry('e')], send)
  expect(calls.map(({ ids }) => ids)).toEqual(['a', 'bcd'])
  calls[1]?.end()
  await turn()
  expect(done.sort()).toEqual(['a', 'b', 'c', 'd'])
  expect(calls.map(({ ids }) => ids)).toEqual(['a', 'bcd', 'e'])
  calls[2]?.end()
  await later
})

test('a call that fails fails for those whose entries it had, and the next one is made', async () => {
  const { calls, send } = ledger()
  const group = new GroupCommit()
  const outcomes = Promise.allSettled('abc'.split('').map(id => group.append([entry(id)], send)))
  calls[0]?.fail(new Error('first'))
  await turn()
  const late = group.append([entry('d')], send)
  calls[1]?.fail(new Error('second'))
  await turn()
  calls[2]?.end()
  await late
  expect((await outcomes).map(outcome => `${Object(outcome).reason}`)).toEqual([
    'Error: first',
    'Error: second',
    'Error: second',
  ])
})

test('a caller whose group is never sent sends its entries alone after 250 ms, and later ones are grouped again', async () => {
  vi.useFakeTimers()
  const { calls, send } = ledger()
  const group = new GroupCommit()
  // On Workers this request is ended with its client, and its call with it.
  void group.append([entry('a')], send)
  void group.append([entry('b')], send)
  void group.append([entry('c')], send)
  await vi.advanceTimersByTimeAsync(249)
  expect(calls.map(({ ids }) => ids)).toEqual(['a'])
  await vi.advanceTimersByTimeAsync(1)
  expect(calls.map(({ ids }) => ids)).toEqual(['a', 'b', 'c'])
  const after = [group.append([entry('d')], send), group.append([entry('e')], send)]
  for (const { end } of calls) end()
  await vi.advanceTimersByTimeAsync(0)
  for (const { end } of calls) end()
  await Promise.all(after)
  expect(
    calls
      .slice(3)
      .map(({ ids }) => ids)
      .join(''),
  ).toBe('de')
  vi.useRealTimers()
})

test('a caller that was to lead the next call and never does holds up the others for 250 ms at most', async () => {
  vi.useFakeTimers()
  const { calls, send } = ledger()
  const group = new GroupCommit()
  void group.append([entry('a')], send)
  void group.append([entry('b')], () => new Promise(() => {}))
  const third = group.append([entry('c')], send)
  calls[0]?.end()
  await vi.advanceTimersByTimeAsync(250)
  expect(calls.map(({ ids }) => ids)).toEqual(['a', 'c'])
  calls[1]?.end()
  await third
  vi.useRealTimers()
})

test('no call takes more than four million characters of those who wait', async () => {
  const { calls, send } = ledger()
  const group = new GroupCommit()
  const large = { id: 'x', json: 'x'.repeat(2 ** 20) }
  const all = Array.from({ length: 11 }, () => group.append([large], send))
  for (let i = 0; i < 4; i++) {
    calls[i]?.end()
    await turn()
  }
  await Promise.all(all)
  // Each call has those of the caller that makes it, too.
  expect(calls.map(({ ids }) => ids.length)).toEqual([1, 5, 5])
})
