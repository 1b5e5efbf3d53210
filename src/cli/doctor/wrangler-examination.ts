import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { OPTIONS } from '../../config/table.ts'
import { type Variables, variablesOf } from '../../config/variables.ts'
import { runChecks } from '../../doctor/finding.ts'
import { member } from '../json.ts'
import { UsageError } from '../terminal.ts'
import type { Report } from './report.ts'
import { examineSettings } from './variables-examination.ts'
import { WRANGLER_CHECKS } from './wrangler-checks.ts'

/** Checks of settings that depend on secrets, which are with Cloudflare. */
const OF_SECRETS: ReadonlySet<string> = new Set(['secrets', 'tickets'])

/**
 * Examines a wrangler configuration before it is deployed: what it binds and opens, and its variables. Wrangler itself reads
 * it, so it may be TOML or JSON, and an environment has what it inherits.
 *
 * @param env the environment; undefined for the top level
 * @throws UsageError if it can't be read
 */
export async function examineWrangler(file: string, env: string | undefined): Promise<Report> {
  const config = await readWrangler(file, env)
  const settings = await examineSettings({ ...secretsFor(config.vars), ...config.vars })
  return {
    title: `${file}${env === undefined ? '' : ` (${env})`}, as it would be deployed`,
    whole: true,
    findings: [
      ...runChecks('wrangler', WRANGLER_CHECKS, config),
      ...settings.filter(({ check }) => !OF_SECRETS.has(check)),
    ],
  }
}

/** Makes up the secrets that variables need: the true ones can't be read back. */
function secretsFor(vars: Variables): Variables {
  const names = ['PSEUDONYM_KEY', ...(vars.PUBLIC_URL === undefined ? [] : ['TICKET_KEY'])]
  // Variables that are JSON name others for their secrets.
  const named = variablesOf(OPTIONS, vars).filter(name => !variablesOf(OPTIONS).includes(name))
  return Object.fromEntries([...names, ...named].map(name => [name, randomBytes(32).toString('base64')]))
}

async function readWrangler(file: string, env: string | undefined) {
  if (!existsSync(file))
    throw new UsageError(`${file} does not exist`, 'write it as in --wrangler wrangler.toml')
  const { unstable_readConfig: readConfig } = await loadWrangler()
  try {
    return readConfig({ config: file, ...(env !== undefined && { env }) }, { hideWarnings: true })
  } catch {
    // Wrangler's message may quote a line, and there may be a secret in it.
    throw new UsageError(
      `wrangler can't read ${file}`,
      'run "wrangler deploy --dry-run": it says what is wrong',
    )
  }
}

async function loadWrangler() {
  try {
    return await import('wrangler')
  } catch (error) {
    if (member(error, 'code') !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new UsageError('--wrangler needs the package wrangler', 'run "npm install --save-dev wrangler"')
  }
}
