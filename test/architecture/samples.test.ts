import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const properties = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts'))
  .map(name => ({ name, text: readFileSync(`test/${name}`, 'utf8') }))
  .filter(({ text }) => text.includes("from 'fast-check'"))

test('every property test has a fixed seed in npm test, and a longer run in npm run test:long', () => {
  expect(properties.length).toBeGreaterThan(0)
  const unsampled = properties.filter(
    ({ text }) => !text.includes('support/sample.ts') || /\bnumRuns:|^\s*fc\.assert\([^\n]*\)$/m.test(text),
  )
  expect(unsampled.map(({ name }) => name)).toEqual([])
})
