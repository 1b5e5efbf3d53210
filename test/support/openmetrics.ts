import { type Family, INFO, SOURCE_UP } from '../../src/metrics/families.ts'
import { LEDGER_FAMILIES } from '../../src/metrics/ledger-sources.ts'
import { LOG_FAMILIES } from '../../src/metrics/log-metrics.ts'
import { PROCESS_FAMILIES } from '../../src/metrics/process-metrics.ts'
import { SINK_FAMILIES } from '../../src/metrics/sink-source.ts'

/** Every metric family of a gate, on all runtimes together. */
export const METRIC_FAMILIES: readonly Family[] = [
  INFO,
  ...PROCESS_FAMILIES,
  ...LOG_FAMILIES,
  ...LEDGER_FAMILIES,
  ...SINK_FAMILIES,
  SOURCE_UP,
]

/** What a query calls a family: the names of its samples. */
export function sampleNames([name, type]: Family): readonly string[] {
  const ends = { counter: ['_total'], gauge: [''], histogram: ['_bucket', '_sum', '_count'], info: ['_info'] }
  return ends[type].map(end => name + end)
}

/** The samples of a scrape, by name and labels as they are written. */
export type Scraped = ReadonlyMap<string, number>

const SAMPLE =
  /^([a-z_]+(?:\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})?) (\S+)$/

/**
 * Reads a text in the format of OpenMetrics, for what this gate writes. Whether the text is right by the specification is
 * for the parsers of others to say, in test/peers.
 *
 * @throws Error if a line is neither metadata nor a sample, if a sample comes twice, or if the end is missing
 */
export function readOpenMetrics(text: string): Scraped {
  if (!text.endsWith('\n# EOF\n')) throw new Error('the text does not end with # EOF')
  const samples = new Map<string, number>()
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('# ')) continue
    const [, name = '', value = ''] = SAMPLE.exec(line) ?? []
    if (name === '' || samples.has(name)) throw new Error(`not a sample, or a second one: ${line}`)
    samples.set(name, Number(value))
  }
  return samples
}
