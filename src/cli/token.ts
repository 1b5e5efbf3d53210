import { parseArgs } from 'node:util'
import { signToken } from './development-issuer.ts'
import { print, UsageError } from './terminal.ts'

/** Where `dev` keeps everything unless it is told otherwise. */
export const DATA = '.mediaward'
/** Where `dev` serves unless it is told otherwise. */
export const URL_HERE = 'http://127.0.0.1:8787'

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
  const ttl = Number(values.ttl)
  if (!Number.isInteger(ttl)) throw new UsageError(`--ttl ${values.ttl} is no whole number of seconds`)
  const claims = Object.fromEntries(values.claim.map(parseClaim))
  await print(await signToken(values.data, { subject: values.sub, roles: values.role, ttl, claims }))
}

/** JSON where it is JSON (`--claim tenant='"7"'`, `--claim roles='["a"]'`), else a text. */
function parseClaim(claim: string): [string, unknown] {
  const at = claim.indexOf('=')
  if (at < 1) throw new UsageError(`--claim ${claim} has no "=": write NAME=VALUE`)
  const value = claim.slice(at + 1)
  try {
    return [claim.slice(0, at), JSON.parse(value)]
  } catch {
    return [claim.slice(0, at), value]
  }
}

/** The token that a command was given, or else one of the development issuer with the role that it needs. */
export async function tokenFor(given: string | undefined, data: string, role: string): Promise<string> {
  const token = given ?? process.env.MEDIAWARD_TOKEN
  return (
    token ?? signToken(data, { subject: `development-${role}`, roles: [role], ttl: 12 * 3600, claims: {} })
  )
}
