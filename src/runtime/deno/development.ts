import process from 'node:process'
import { forDevelopment } from '../../development.ts'
import gate from './serve.ts'

/**
 * The server that `mediaward dev --runtime deno` runs. It is the one that is deployed, and answers beside that what a
 * developer's browser asks for.
 *
 * @module
 */

const development: typeof gate = { ...gate, fetch: forDevelopment(gate.fetch, process.env) }
export default development
