import { ROLES } from '../authorize/rules/role.ts'
import { type Command, createCommand } from '../runtime/node/command.ts'
import { DATA_OPTION } from './client.ts'
import { signToken } from './development-issuer.ts'
import { parseJson } from './json.ts'
import { COMMAND, print, UsageError } from './terminal.ts'

/** `mediaward token`: prints a token of the development issuer. */
export const token: Command = createCommand({
  usage: 'mediaward token --sub SUBJECT',
  summary: 'Prints a token of the development issuer.',
  options: {
    sub: { type: 'string', value: 'SUBJECT', about: 'The subject: whose token it is.' },
    role: {
      type: 'string',
      value: 'ROLE',
      multiple: true,
      default: [],
      about: `A role: ${ROLES.join(', ')}. May be given several times.`,
    },
    ttl: { type: 'string', value: 'SECONDS', default: '3600', about: 'How long the token is valid.' },
    claim: {
      type: 'string',
      value: 'NAME=VALUE',
      multiple: true,
      default: [],
      about: 'A further claim, as JSON or as a string. May be given several times.',
    },
    ...DATA_OPTION,
  },
  example: `${COMMAND} token --sub patient-007`,

  async run({ sub, role, ttl, claim, data }) {
    if (!sub) throw new UsageError('--sub is missing', 'name the subject, as in --sub patient-007')
    if (!/^-?\d{1,12}$/.test(ttl)) throw new UsageError(`--ttl ${ttl} is not a whole number of seconds`)
    const claims = Object.fromEntries(claim.map(parseClaim))
    await print(await signToken(data, { subject: sub, roles: role, ttl: Number(ttl), claims }))
  },
})

/** Reads the value as JSON if it is JSON (`--claim tenant='"7"'`, `--claim roles='["a"]'`), else as a string. */
function parseClaim(claim: string): [string, unknown] {
  const at = claim.indexOf('=')
  if (at < 1) throw new UsageError(`--claim ${claim} has no "="`, 'write NAME=VALUE')
  const value = claim.slice(at + 1)
  const json = parseJson(value)
  return [claim.slice(0, at), json === undefined ? value : json]
}
