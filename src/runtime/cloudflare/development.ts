import { env } from 'cloudflare:workers'
import { forDevelopment } from '../../development.ts'
import worker from './worker.ts'

export { ControlObject } from './control/control-object.ts'
export { LedgerObject } from './ledger-object.ts'
export { LogObject } from './log-object.ts'

/**
 * The worker that `mediaward dev` runs. It is the one that is deployed, with the same bindings and variables, and answers
 * beside that what a developer's browser asks for.
 *
 * Only `dev` bundles it. `wrangler.toml` names the worker itself, so no deployment contains this file, or anything that only
 * this file imports.
 *
 * @module
 */

const fetch: typeof worker.fetch = forDevelopment(worker.fetch, { ...env })
const development: typeof worker = { ...worker, fetch }

export default development
