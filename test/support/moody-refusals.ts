import type { AccessEvent, Ledger } from '../../src/index.ts'
import { createRecorder } from '../../src/ledger/recorder.ts'
import { RefusalRecorder } from '../../src/ledger/refusals/coalesce.ts'

/** How a ledger is at a time: for how many milliseconds it takes each append, and whether the append then fails. */
export interface Mood {
  readonly takes?: number
  readonly fails?: boolean
}

/** Creates the recorder of refusals of one isolate, over a ledger with moods. Its pseudonyms are readable. */
export function createMoodyRefusals(
  inner: Ledger,
  mood: () => Mood | Promise<Mood>,
  unrecorded: (event: AccessEvent) => void = () => {},
): RefusalRecorder {
  const ledger: Ledger = {
    ...inner,
    async append(entries) {
      const { takes = 0, fails } = await mood()
      if (takes > 0) await new Promise(resolve => setTimeout(resolve, takes))
      if (fails) throw new Error('down')
      return inner.append(entries)
    },
  }
  const record = createRecorder(
    ledger,
    async (field, _, value) => `${field}:${value}`,
    Date.now,
    json => unrecorded(JSON.parse(json) as AccessEvent),
  )
  return new RefusalRecorder(record, Date.now)
}
