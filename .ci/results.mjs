// Reads what vitest reported as JSON: prints how many tests passed and failed, and adds the failed ones to a file.
import { appendFileSync, readFileSync } from 'node:fs'
import process from 'node:process'

const [, , report, failed] = process.argv
const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report))
for (const { name, assertionResults } of testResults) {
  for (const { status, fullName } of assertionResults) {
    if (status === 'failed') appendFileSync(failed, `${name}: ${fullName}\n`)
  }
}
process.stdout.write(`${numPassedTests} ${numFailedTests}\n`)
