#!/usr/bin/env node
import process from 'node:process'
import { serve } from './serve.ts'

// The gate on Node, as a service: variables from the environment, stopped by SIGTERM.

try {
  const { url, stop } = await serve(process.env)
  const end = () => void stop().then(() => process.exit(0))
  process.once('SIGTERM', end).once('SIGINT', end)
  process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : 'the gate could not start'}\n`)
  process.exit(2)
}
