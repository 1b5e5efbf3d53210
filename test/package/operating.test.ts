import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { METRIC_FAMILIES, sampleNames } from '../support/openmetrics.ts'

// What operators take over: the alerts of docs/operating.md and the dashboard.

const page = readFileSync('docs/operating.md', 'utf8')
const dashboard = JSON.parse(readFileSync('docs/grafana/mediaward.json', 'utf8'))
const known = METRIC_FAMILIES.flatMap(sampleNames)
const namesIn = (query: string) => [...query.matchAll(/\bmediaward_\w+/g)].map(([name]) => name)

interface Panel {
  readonly title: string
  readonly description: string
  readonly gridPos: Record<'x' | 'y' | 'w' | 'h', number>
  readonly targets: readonly { readonly expr: string }[]
}
const panels: readonly Panel[] = dashboard.panels

test('every metric that the dashboard draws exists', () => {
  const drawn = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr)))
  expect(drawn.length).toBeGreaterThan(10)
  expect(drawn.filter(name => !known.includes(name))).toEqual([])
  const asked = dashboard.templating.list.flatMap((one: { definition?: string }) =>
    namesIn(one.definition ?? ''),
  )
  expect(asked).toEqual(['mediaward_info'])
})

test('each panel of the dashboard has a title, says what it shows, and covers no other', () => {
  const taken = new Set<string>()
  for (const { title, description, gridPos } of panels) {
    expect([title, description].join()).toMatch(/^.{4,},.{10,}$/)
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken, title).not.toContain(`${x} ${y}`)
        taken.add(`${x} ${y}`)
      }
    }
  }
})

test('every metric that an alert asks for exists, and the table of docs/operating.md has all of them and no other', () => {
  const [, rules = ''] = /```yaml\n(groups:[\s\S]*?)```/.exec(page) ?? []
  const asked = namesIn(rules)
  expect(asked.length).toBeGreaterThan(10)
  expect(asked.filter(name => !known.includes(name))).toEqual([])
  const rows = [...page.matchAll(/^\| `(mediaward_\w+)` \| (\w+) \|/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  )
  const families = METRIC_FAMILIES.map(family => {
    const [name, type] = family
    return `${type === 'histogram' ? name : sampleNames(family)[0]} ${type}`
  })
  expect(rows.sort()).toEqual(families.sort())
})
