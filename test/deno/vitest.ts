import { format } from 'node:util'
import { chai, type ExpectStatic, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect'

// What the contracts use of vitest, on Deno's own test runner: the same suites then run under `deno test`, with
// vitest's own `expect`.

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)
export const expect: ExpectStatic = chai.expect as unknown as ExpectStatic

const groups: string[] = []

/** Groups tests: their names begin with its name. */
export function describe(name: string, tests: () => void): void {
  groups.push(name)
  tests()
  groups.pop()
}

type Run<Values extends unknown[] = []> = (...values: Values) => void | Promise<void>
type Define<Values extends unknown[]> = (name: string, run: Run<Values>) => void

interface Test {
  (name: string, run: Run): void
  /** The same test for each of some cases, named after them. */
  each<Case extends unknown[] | [unknown]>(cases: readonly Case[]): Define<Case>
  each<const Case>(cases: readonly Case[]): Define<[Case]>
}

const hooks: Run[] = []

/** Does something after each test, of those defined before it too. */
export function afterEach(hook: Run): void {
  hooks.push(hook)
}

const beginnings: { readonly group: string; readonly hook: Run }[] = []

/** Does something before each test of the group. */
export function beforeEach(hook: Run): void {
  beginnings.push({ group: groups.join(' > '), hook })
}

function one(name: string, run: Run): void {
  const group = groups.join(' > ')
  Deno.test([...groups, name].join(' > '), async () => {
    try {
      for (const begin of beginnings) if (group.startsWith(begin.group)) await begin.hook()
      await run()
    } finally {
      for (const hook of hooks) await hook()
    }
  })
}

function each(cases: readonly unknown[]): Define<unknown[]> {
  return (name, run) => {
    const keyPrefixes = name.match(/%[a-z]/g)?.length ?? 0
    for (const values of cases) {
      const list: unknown[] = Array.isArray(values) ? values : [values]
      one(format(name.replaceAll('%o', '%j'), ...list.slice(0, keyPrefixes)), () => run(...list))
    }
  }
}

export const test: Test = Object.assign(one, { each })
