#!/usr/bin/env node
import process from 'node:process'
import { describeOldNode } from '../runtime/node/node-version.ts'

// The program `mediaward`. It imports the rest only on a Node that has all that the rest imports.

const tooOld = describeOldNode('mediaward', process.versions.node)
if (tooOld === undefined) {
  const { runProgram } = await import('./program.ts')
  await runProgram(process.argv.slice(2))
} else {
  process.stderr.write(`mediaward: error: ${tooOld}\n`)
  process.exitCode = 1
}
