import type { SinkControl } from '../sinks/control.ts'
import type { Family, MetricSource } from './families.ts'

const BEHIND: Family = ['mediaward_sink_behind_records', 'gauge', 'Records that a sink was not sent yet.']
const AGE: Family = [
  'mediaward_sink_behind_seconds',
  'gauge',
  'Age of the oldest record that a sink was not sent yet.',
]
const DEAD: Family = ['mediaward_sink_dead_letters', 'gauge', 'Records that a sink refused for good.']

/** The families of the systems that records are sent to. */
export const SINK_FAMILIES: readonly Family[] = [BEHIND, AGE, DEAD]

/** Creates the source of how far the sinks are. */
export function createSinkSource(sinks: Pick<SinkControl, 'list'>): MetricSource {
  return {
    name: 'sinks',
    async read() {
      const all = await sinks.list()
      return [
        ...all.map(({ name, behind }) => [BEHIND, behind, { sink: name }] as const),
        ...all.map(({ name, behind_s }) => [AGE, behind_s, { sink: name }] as const),
        ...all.map(({ name, deadLetters }) => [DEAD, deadLetters, { sink: name }] as const),
      ]
    },
  }
}
