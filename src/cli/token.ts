import { parseArgs } from 'node:util'
import { DEFAULT_DATA } from './client.ts'
import { signToken } from './development-issuer.ts'
import { parseJson } from './json.ts'
import { print, UsageError } from './terminal.ts'

/** Runs `mediaward token`: prints a token of the development issuer. */
export async function token(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sub: { type: 'string' },
      role: { type: 'string', multiple: true, default: [] },
      ttl: { type: 'string', default: '3600' },
      claim: { type: 'string', multiple: true, default: [] },
      data: { type: 'string', default: DEFAULT_DATA },
    },
  })
  if (!values.sub) throw new UsageError('--sub is missing', 'name the subject, as in --sub patient-007')
  if (!/^-?\d{1,12}$/.test(values.ttl))
    throw new UsageError(`--ttl ${values.ttl} is not a whole number of seconds`)
  const claims = Object.fromEntries(values.claim.map(parseClaim))
  const request = { subject: values.sub, roles: values.role, ttl: Number(values.ttl), claims }
  await print(await signToken(values.data, request))
}

/** Reads the value as JSON if it is JSON (`--claim tenant='"7"'`, `--claim roles='["a"]'`), else as a string. */
function parseClaim(claim: string): [string, unknown] {
  const at = claim.indexOf('=')
  if (at < 1) throw new UsageError(`--claim ${claim} has no "="`, 'write NAME=VALUE')
  const value = claim.slice(at + 1)
  const json = parseJson(value)
  return [claim.slice(0, at), json === undefined ? value : json]
}
