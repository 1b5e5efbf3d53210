import { describe, expect, test } from 'vitest'
import { formatSuppression } from '../../../../src/cli/contain/finding-format.ts'

const DAY = 86_400_000
const suppression = {
  ...{ id: 'one', rule: 'RG-001', group: { release: '4.12.0' }, owner: 'psn_1', hits: 2 },
  ...{ expires: 3 * DAY, reason: { text: 'a migration' } },
}
const [DAY_1, DAY_2, DAY_3] = [1, 2, 3].map(day => `1970-01-0${day + 1}T00:00:00.000Z`)

describe('a line about a suppression', () => {
  test.each<[string, object, string]>([
    ['is in force', {}, `until ${DAY_3}`],
    ['is to begin', { starts: 2 * DAY }, `from ${DAY_2}  until ${DAY_3}`],
    ['was ended', { ended: DAY }, `ended ${DAY_1}`],
    ['was ended after its beginning', { starts: DAY, ended: 2 * DAY }, `from ${DAY_1}  ended ${DAY_2}`],
    [
      'was ended before its beginning',
      { starts: 2 * DAY, ended: DAY },
      `ended ${DAY_1}, before it was to begin at ${DAY_2}`,
    ],
  ])('says the times of one that %s', (_, times, said) => {
    expect(formatSuppression({ ...suppression, ...times })).toBe(
      `RG-001  release 4.12.0  ${said}  2 hits  by psn_1  a migration  one`,
    )
  })
})
