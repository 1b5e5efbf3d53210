import type { Family, Labels, Sample } from './families.ts'

/** The media type of the text format (OpenMetrics 1.0, 9). */
export const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

const SUFFIXES: Readonly<Record<Family[1], string>> = {
  counter: '_total',
  gauge: '',
  histogram: '',
  info: '_info',
}

/** Writes samples in the text format of OpenMetrics 1.0. */
export function writeOpenMetrics(samples: readonly Sample[]): string {
  const families = [...Map.groupBy(samples, ([family]) => family)]
  const lines = families.flatMap(([[name, type, help], some]) => {
    const unit = /_(seconds|bytes)$/.exec(name)?.[1]
    return [
      `# TYPE ${name} ${type}`,
      ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
      `# HELP ${name} ${help}`,
      ...some.map(
        ([, value, labels, suffix = SUFFIXES[type]]) => `${name}${suffix}${written(labels)} ${value}`,
      ),
    ]
  })
  return `${[...lines, '# EOF'].join('\n')}\n`
}

/** JSON escapes a quote, a backslash and a line break as OpenMetrics does (4.1.4), which are all that need it. */
function written(labels: Labels = {}): string {
  const list = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return list.length === 0 ? '' : `{${list.join(',')}}`
}
