import process from 'node:process'
import { countStates } from '../../doctor/finding.ts'
import {
  type Command,
  createCommand,
  type DefaultedOption,
  type TextOption,
} from '../../runtime/node/command.ts'
import { DEFAULT_DATA, DEFAULT_URL, GATE_OPTIONS, parseGateUrl, tokenFor } from '../client.ts'
import { COMMAND, print, UsageError } from '../terminal.ts'
import { examineGate } from './gate-examination.ts'
import { formatReport, type Report } from './report.ts'
import { examineVariables } from './variables-examination.ts'
import { examineWrangler } from './wrangler-examination.ts'

/** `mediaward doctor`: says whether a deployment is safe and complete. */
export const doctor: Command = createCommand({
  usage: 'mediaward doctor',
  summary:
    'Says whether a deployment is safe and complete, and how to fix what is not. Exits with 1 if a check fails.',
  options: {
    'public-bucket': {
      type: 'string',
      value: 'URL',
      multiple: true,
      default: [],
      about:
        'A custom domain or r2.dev URL of the bucket, which must not serve it. May be given several times.',
    },
    'workers-dev': {
      type: 'string',
      value: 'URL',
      multiple: true,
      default: [],
      about: 'Another address of the worker, which must not answer. May be given several times.',
    },
    vars: {
      type: 'string',
      value: 'FILE',
      about: 'Examine the variables of a gate on Node or Deno instead, before it starts.',
    },
    wrangler: {
      type: 'string',
      value: 'FILE',
      about: 'Examine a wrangler.toml or wrangler.jsonc instead, before it is deployed.',
    },
    env: { type: 'string', value: 'NAME', about: 'The environment in the file of --wrangler.' },
    json: { type: 'boolean', default: false, about: 'Print the findings as one line of JSON.' },
    ...GATE_OPTIONS,
    url: withoutDefault(GATE_OPTIONS.url),
    data: withoutDefault(GATE_OPTIONS.data),
  },
  example: `${COMMAND} doctor --url https://media.clinic.example --public-bucket https://pub-1234.r2.dev`,

  async run(values) {
    const report = await examineWhatIsNamed(values)
    const counts = countStates(report.findings)
    if (values.json) await print(JSON.stringify({ ok: counts.failed === 0, counts, ...report }))
    else await print(formatReport(report))
    if (counts.failed > 0) process.exitCode = 1
  },
})

/** Removes a default, so that an option that was given differs from one that was not. The help still names it. */
function withoutDefault({ default: preset, about, ...option }: DefaultedOption): TextOption {
  return { ...option, about: `${about} Default: ${preset}` }
}

interface DoctorValues {
  readonly vars?: string | undefined
  readonly wrangler?: string | undefined
  readonly env?: string | undefined
  readonly 'public-bucket': readonly string[]
  readonly 'workers-dev': readonly string[]
  readonly url?: string | undefined
  readonly token?: string | undefined
  readonly data?: string | undefined
}

/** The options of a gate that runs. */
const OF_A_GATE = ['url', 'token', 'data', 'public-bucket', 'workers-dev'] as const

async function examineWhatIsNamed(values: DoctorValues): Promise<Report> {
  const { vars, wrangler, env, url = DEFAULT_URL, data = DEFAULT_DATA } = values
  refuseBeside('wrangler', values, ['vars', ...OF_A_GATE])
  refuseBeside('vars', values, OF_A_GATE)
  if (wrangler !== undefined) return examineWrangler(wrangler, env)
  if (env !== undefined) throw new UsageError('--env has no effect without --wrangler', 'take it away')
  if (vars !== undefined) return examineVariables(vars)
  return examineGate({
    gate: parseGateUrl(url),
    token: await tokenFor(values.token, data, 'security'),
    buckets: values['public-bucket'].map(address => parseAddress('--public-bucket', address)),
    others: values['workers-dev'].map(address => new URL(parseAddress('--workers-dev', address).origin)),
  })
}

/**
 * Refuses options that have no effect beside another one: its user would believe that they were looked at.
 *
 * @throws UsageError
 */
function refuseBeside(
  one: keyof DoctorValues,
  values: DoctorValues,
  others: readonly (keyof DoctorValues)[],
): void {
  const isGiven = (name: keyof DoctorValues) => (values[name] ?? []).length > 0
  const other = isGiven(one) ? others.find(isGiven) : undefined
  if (other !== undefined) {
    throw new UsageError(`--${other} has no effect beside --${one}`, 'take one of them away')
  }
}

/**
 * Parses an address, which may lack its scheme.
 *
 * @throws UsageError if it isn't one
 */
function parseAddress(option: string, address: string): URL {
  const url = /^https?:\/\//.test(address) ? address : `https://${address}`
  if (!URL.canParse(url)) {
    throw new UsageError(`${option} is not a URL`, 'write it as in https://pub-1234.r2.dev')
  }
  return new URL(url)
}
