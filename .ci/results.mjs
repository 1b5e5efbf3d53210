// A reporter of vitest for .ci/run: writes how many tests passed and failed as the first line of the file that RESULTS
// names, then a line for each failure. A file that can't be loaded and an error outside of tests are failures too.
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import process from 'node:process'

export default class Results {
  onTestRunEnd(modules, unhandled) {
    let passed = 0
    const failures = unhandled.map(error => firstLine('an error outside of tests', error))
    for (const module of modules) {
      const name = `${relative('.', module.moduleId)} (${module.project.name})`
      for (const error of module.errors()) failures.push(firstLine(name, error))
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors()) failures.push(firstLine(`${name}: ${suite.fullName}`, error))
      }
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') passed++
        if (state === 'failed') failures.push(firstLine(`${name}: ${test.fullName}`, errors[0]))
      }
    }
    writeFileSync(process.env.RESULTS, [`${passed} ${failures.length}`, ...failures, ''].join('\n'))
  }
}

function firstLine(where, error) {
  const [message] = String(error?.message ?? error).split('\n')
  return `${where}: ${message}`
}
