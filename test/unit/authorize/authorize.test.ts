import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { authorize } from '../../../src/authorize/authorize.ts'
import type { Action, Principal } from '../../../src/authorize/decision.ts'
import type { Binding } from '../../../src/recordings/recording.ts'
import { Refusal } from '../../../src/refusal.ts'

const table = JSON.parse(readFileSync('test/vectors/authorize.json', 'utf8')) as {
  subjects: Record<string, Principal>
  recordings: Record<string, Binding | null>
  rows: { who: string; does: Action; recording: string; answer: string; of?: string }[]
}

describe('the decision table', () => {
  test.each(table.rows)(
    '$who may $does a recording $recording: $answer',
    ({ who, does, recording, answer, of }) => {
      const subject = table.subjects[who]
      const binding = table.recordings[recording]
      if (subject === undefined || binding === undefined)
        throw new Error(`${who} or ${recording} is not in the table`)
      const decision = authorize({ subject, action: does, recording: binding })
      expect(decision instanceof Refusal ? decision.reason : 'permit').toBe(answer)
      if (!(decision instanceof Refusal)) expect(decision.tenant).toBe(of)
    },
  )

  test('names every subject and recording that it lists', () => {
    expect(new Set(table.rows.map(row => row.who))).toEqual(new Set(Object.keys(table.subjects)))
    expect(new Set(table.rows.map(row => row.recording))).toEqual(new Set(Object.keys(table.recordings)))
  })
})
