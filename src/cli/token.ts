import { parseArgs } from 'node:util'
import { DATA } from './client.ts'
import { signToken } from './development-issuer.ts'
import { print, UsageError } from './terminal.ts'

/** `mediaward token`: a token of the development issuer, on stdout. */
export async function token(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sub: { type: 'string' },
      role: { type: 'string', multiple: true, default: [] },
      ttl: { type: 'string', default: '3600' },
      claim: { type: 'string', multiple: true, default: [] },
      data: { type: 'string', default: DATA },
    },
  })
  if (!values.sub) throw new UsageError('--sub is missing', 'name the subject, as in --sub patient-007')
  if (!/^-?\d{1,12}$/.test(values.ttl))
    throw new UsageError(`--ttl ${values.ttl} is no whole number of seconds`)
  const claims = Object.fromEntries(values.claim.map(parseClaim))
  const request = { subject: values.sub, roles: values.role, ttl: Number(values.ttl), claims }
  await print(await signToken(values.data, request))
}

/** JSON where it is JSON (`--claim tenant='"7"'`, `--claim roles='["a"]'`), else a text. */
function parseClaim(claim: string): [string, unknown] {
  const at = claim.indexOf('=')
  if (at < 1) throw new UsageError(`--claim ${claim} has no "="`, 'write NAME=VALUE')
  const value = claim.slice(at + 1)
  try {
    return [claim.slice(0, at), JSON.parse(value)]
  } catch {
    return [claim.slice(0, at), value]
  }
}
