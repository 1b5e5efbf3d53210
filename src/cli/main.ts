#!/usr/bin/env node
import process from 'node:process'
import { requireNode } from '../runtime/node/require-node.ts'

// The program `mediaward`.

requireNode('mediaward')
const { runProgram } = await import('./program.ts')
await runProgram(process.argv.slice(2))
