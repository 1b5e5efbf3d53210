import { CostModel, type Kind, type Lines, type Mix } from './cost-model.ts'
import type { Measurements } from './costs.ts'
import { sumOf } from './meter.ts'
import { PAGES, PRICES, READ_ON } from './prices.ts'

const REFUSALS: Mix = { token_missing: 2 / 3, not_owner: 1 / 3 }
const CLINIC: Mix = { token_missing: 0.4, not_owner: 0.2, ticket: 0.1, view: 0.1, delivery: 0.2 }
const KINDS: readonly Kind[] = ['token_missing', 'not_owner', 'ticket', 'view', 'delivery']
/** Records a second of a million that are spread over a month of 30 days. */
const OVER_A_MONTH = 1e6 / (30 * 86_400)

/** Writes all tables, in Markdown. */
export function writeCosts(measured: Measurements): string {
  const model = new CostModel(measured)
  const { rates, kinds } = measured
  const busy = kinds.token_missing
  return `Rows, requests and times are counted in the deployed worker on workerd, and multiplied by list prices without what a
month includes.

${priceTable()}

**A million records**, spread over a month or at 100 a second. What players ask is in the table after the next.

- refusals: ${shares(REFUSALS)}
- clinic: ${shares(CLINIC)}, where a delivery is the record of five minutes

${table(
  ['US dollars', 'refusals, a month', 'refusals, 100/s', 'clinic, a month', 'clinic, 100/s'],
  withTotal([
    model.million(REFUSALS, rates.sparse, OVER_A_MONTH),
    model.million(REFUSALS, busy, 100),
    model.million(CLINIC, rates.steady, OVER_A_MONTH),
    model.million(CLINIC, busy, 100),
  ]),
  2,
)}

**Rows written for one record**, with three requests a second:

${table(['rows', ...KINDS], withTotal(KINDS.map(kind => model.rowsOf(kind, rates.steady))), 1)}

**A thousand hours watched** by one person at a time: HLS in segments of six seconds with the playlist before each, and a file by a
range every ten seconds. Traffic is free.

${table(
  ['US dollars', 'HLS', 'file'],
  withTotal([model.hour('hls').lines, model.hour('mp4').lines]).map(([name, ...values]) => [
    name,
    ...values.map(value => value * 1000),
  ]),
  2,
)}

In an hour that is ${rowsIn(model, 'hls')} rows for HLS and ${rowsIn(model, 'mp4')} for the file, before what is pruned later.

**A month without traffic** is the plan of $5, and the replay of each minute: ${(43_200).toLocaleString('en')} requests and lists of R2, $${replay(measured)}.`
}

function priceTable(): string {
  const rows = Object.values(PRICES).map(
    ([name, price, unit, included]) =>
      `| ${name} | $${price < 0.01 ? price : price.toFixed(price < 0.1 ? 3 : 2)}${unit === 1 ? '' : ' a million'} | ${included} |`,
  )
  return [
    '| billed | price | included in a month |',
    '| --- | --- | --- |',
    ...rows,
    '',
    `The prices are from copies of these pages, read on ${READ_ON}. Look at the pages before you count on them:`,
    '',
    ...PAGES.map(page => `- <${page}>`),
  ].join('\n')
}

const shares = (mix: Mix): string =>
  Object.entries(mix)
    .map(([kind, share]) => `${Math.round(share * 100)} % \`${kind}\``)
    .join(', ')

type Line = readonly [name: string, ...values: number[]]

/** Lists each line of several columns, and their sums. A line that is 0 in each is left out. */
function withTotal(columns: readonly Lines[]): readonly Line[] {
  const names = [...new Set(columns.flatMap(column => Object.keys(column)))]
  const lines = names.map((name): Line => [name, ...columns.map(column => column[name] ?? 0)])
  const total = columns.map(column => Object.values(column).reduce((sum, value) => sum + value, 0))
  return [...lines.filter(([, ...values]) => values.some(value => value > 0)), ['**together**', ...total]]
}

function table(heading: readonly string[], lines: readonly Line[], digits: number): string {
  const rows = [
    heading,
    heading.map(() => '---'),
    ...lines.map(([name, ...values]) => [name, ...values.map(value => value.toFixed(digits))]),
  ]
  return rows.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function rowsIn(model: CostModel, player: keyof Measurements['watched']): string {
  const { counts } = model.hour(player)
  return Math.round(sumOf(counts, / rows$|^alarms set$/)).toLocaleString('en')
}

const replay = ({ replay }: Measurements): string => {
  const perMonth = 43_200 / 1e6
  const [, request] = PRICES.workerRequest
  const [, list] = PRICES.classA
  return (
    perMonth *
    (sumOf(replay, /^worker requests$/) * request + sumOf(replay, /^R2 class A$/) * list)
  ).toFixed(2)
}
