#!/usr/bin/env node
import process from 'node:process'
import { describeOldNode } from './node-version.ts'

// The program `mediaward-server`. It imports the rest only on a Node that has all that the rest imports.

const tooOld = describeOldNode('mediaward-server', process.versions.node)
if (tooOld !== undefined) stop(tooOld, 1)
try {
  const { server } = await import('./server.ts')
  await server.run(process.argv.slice(2))
} catch (error) {
  stop(error instanceof Error ? error.message : 'the gate could not start', 2)
}

function stop(message: string, code: number): never {
  process.stderr.write(`${message}\n`)
  process.exit(code)
}
