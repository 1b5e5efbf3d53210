#!/usr/bin/env node
import process from 'node:process'
import { requireNode } from './require-node.ts'

// The program `mediaward-server`.

requireNode('mediaward-server')
try {
  const { server } = await import('./server.ts')
  await server.run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : 'the gate could not start'}\n`)
  process.exit(2)
}
