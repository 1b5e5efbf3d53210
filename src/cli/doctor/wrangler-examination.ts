import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { OPTIONS } from '../../config/table.ts'
import { intendedVariable } from '../../config/unknown-variables.ts'
import { type Variables, variablesOf } from '../../config/variables.ts'
import { type Outcome, runChecks } from '../../doctor/finding.ts'
import { requireWorkersSinks } from '../../runtime/cloudflare/log-variables.ts'
import { member } from '../json.ts'
import { UsageError } from '../terminal.ts'
import type { Report } from './report.ts'
import { examineSettings, misspelt } from './variables-examination.ts'
import { namedSecrets, WRANGLER_CHECKS } from './wrangler-checks.ts'

/** Checks of settings that depend on secrets, which are with Cloudflare. */
const OF_SECRETS: ReadonlySet<string> = new Set(['secrets', 'tickets'])

/**
 * Examines a wrangler configuration before it is deployed: what it binds and opens, and its variables. Wrangler itself reads
 * it, so it may be TOML or JSON, and an environment has what it inherits.
 *
 * @param env the environment, `''` for the top level. By default that of the variable `CLOUDFLARE_ENV`, as for wrangler
 * @throws UsageError if it can't be read, or lacks the environment
 */
export async function examineWrangler(file: string, env: string | undefined): Promise<Report> {
  const config = await readWrangler(file, env)
  const settings = await examineSettings({ ...secretsFor(config.vars), ...config.vars }, ({ sinks }) =>
    requireWorkersSinks(sinks),
  )
  const { targetEnvironment: target = '' } = config
  return {
    title: `${file}${target === '' ? '' : ` (${target})`}, as it would be deployed`,
    whole: true,
    findings: [
      ...runChecks('wrangler', WRANGLER_CHECKS, config),
      ...runChecks('settings', { variables: () => misspeltIn(config.vars) }, {}),
      ...settings.filter(({ check }) => !OF_SECRETS.has(check)),
    ],
  }
}

function misspeltIn(vars: Variables): readonly Outcome[] {
  const known = variablesOf(OPTIONS, vars)
  return Object.keys(vars).flatMap(name => {
    const meant = intendedVariable(name, known)
    return meant === undefined ? [] : misspelt(name, meant)
  })
}

/** Makes up the secrets that variables need: the true ones can't be read back. */
function secretsFor(vars: Variables): Variables {
  const names = ['PSEUDONYM_KEY', ...(vars.PUBLIC_URL === undefined ? [] : ['TICKET_KEY'])]
  return Object.fromEntries(
    [...names, ...namedSecrets(vars)].map(name => [name, randomBytes(32).toString('base64')]),
  )
}

async function readWrangler(file: string, env: string | undefined) {
  if (!existsSync(file))
    throw new UsageError(`${file} does not exist`, 'write it as in --wrangler wrangler.toml')
  const { unstable_readConfig: readConfig } = await loadWrangler()
  // As for wrangler itself.
  const target = env ?? process.env.CLOUDFLARE_ENV ?? ''
  const read = (name: string) => {
    try {
      return readConfig({ config: file, env: name }, { hideWarnings: true })
    } catch {
      // Wrangler's message may quote a line, and there may be a secret in it.
      const flags = `--config ${file}${target === '' ? '' : ` --env ${target}`}`
      throw new UsageError(
        `wrangler can't read ${file}`,
        `run "wrangler deploy --dry-run ${flags}": it says what is wrong`,
      )
    }
  }
  const topLevel = read('')
  if (target === '') return topLevel
  // Of a name that isn't in the file wrangler may only warn, and it then reads the top level.
  const { definedEnvironments: names = [] } = topLevel
  if (!names.includes(target)) {
    throw new UsageError(
      `${file} has no environment "${target}"`,
      names.length === 0
        ? `it has none: add [env.${target}], or take --env away`
        : `its environments: ${names.join(', ')}`,
    )
  }
  return read(target)
}

async function loadWrangler() {
  try {
    return await import('wrangler')
  } catch (error) {
    if (member(error, 'code') !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new UsageError('--wrangler needs the package wrangler', 'run "npm install --save-dev wrangler"')
  }
}
