import { expect, test } from 'vitest'
import type { Control } from '../../../src/control/control.ts'
import { ControlView } from '../../../src/control/control-view.ts'
import { createMemoryControl } from '../../../src/runtime/memory/index.ts'

// A control whose past is another one, as after a failover to a standby that lagged behind.

test('a reader that knew a change which is lost learns of the one that has its number', async () => {
  let now = Date.UTC(2026, 10, 27)
  const one = createMemoryControl(() => now)
  const other = createMemoryControl(() => now)
  for (const [control, value] of [
    [one, 'rec-1'],
    [other, 'rec-2'],
  ] as const) {
    await control.add({ kind: 'lockdown', scope: 'recording', value, at: now, by: 'psn_1' })
  }
  let current: Control = one
  const view = new ControlView(
    { ...one, changes: (after, wait, mark) => current.changes(after, wait, mark) },
    () => now,
  )
  const isLocked = async (recording: string) => {
    now += 1_000
    const restrictions = await view.current(() => {})
    const none = { tenants: [], subjects: [], actors: [], sessions: [], tokens: [] }
    const concerned = { ...none, recording, release: undefined, issued: undefined }
    return restrictions.lockdownOf(concerned, 'play', now) !== undefined
  }
  expect([await isLocked('rec-1'), await isLocked('rec-2')]).toEqual([true, false])
  current = other
  expect([await isLocked('rec-1'), await isLocked('rec-2')]).toEqual([false, true])
})
