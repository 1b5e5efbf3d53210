import { RULES } from '../../src/watch/rules/rules.ts'
import { RUNBOOKS } from '../../src/watch/runbooks.ts'

// The table of docs/watching.md: what the rules are is in the code, and what an analyst reads of each is its runbook.

/** The table of all rules. */
export function rulesTable(): string {
  const rows = RULES.map(({ id, severity, canSuppress }) => {
    const runbook = RUNBOOKS[id]
    if (runbook === undefined) throw new Error(`${id} has no runbook`)
    const { meaning, falsePositives, whatToDo } = runbook
    const usual = canSuppress ? severity : `${severity} ‡`
    return `| ${id} | ${usual} | ${meaning} | ${falsePositives} | ${whatToDo} |\n`
  })
  return `| rule | usually | what it means | often harmless | what to do |\n| --- | --- | --- | --- | --- |\n${rows.join('')}`
}
