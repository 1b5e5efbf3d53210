import process from 'node:process'
import { parseArgs } from 'node:util'
import { countStates } from '../../doctor/finding.ts'
import { DEFAULT_DATA, DEFAULT_URL, parseGateUrl, tokenFor } from '../client.ts'
import { print, UsageError } from '../terminal.ts'
import { examineGate } from './gate-examination.ts'
import { formatReport, type Report } from './report.ts'
import { examineVariables } from './variables-examination.ts'
import { examineWrangler } from './wrangler-examination.ts'

/** Runs `mediaward doctor`: says whether a deployment is safe and complete. Exits with 1 if a check failed. */
export async function doctor(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      vars: { type: 'string' },
      wrangler: { type: 'string' },
      env: { type: 'string' },
      'public-bucket': { type: 'string', multiple: true, default: [] },
      'workers-dev': { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      url: { type: 'string', default: DEFAULT_URL },
      token: { type: 'string' },
      data: { type: 'string', default: DEFAULT_DATA },
    },
  })
  const report = await examineWhatIsNamed(values)
  const { findings } = report
  const counts = countStates(findings)
  if (values.json) await print(JSON.stringify({ ok: counts.failed === 0, counts, ...report }))
  else await print(formatReport(report))
  if (counts.failed > 0) process.exitCode = 1
}

interface DoctorValues {
  readonly vars?: string | undefined
  readonly wrangler?: string | undefined
  readonly env?: string | undefined
  readonly 'public-bucket': readonly string[]
  readonly 'workers-dev': readonly string[]
  readonly url: string
  readonly token?: string | undefined
  readonly data: string
}

async function examineWhatIsNamed(values: DoctorValues): Promise<Report> {
  const { vars, wrangler, env } = values
  if (wrangler !== undefined && vars !== undefined) {
    throw new UsageError('--vars has no effect beside --wrangler', 'take one of them away')
  }
  if (wrangler !== undefined) return examineWrangler(wrangler, env)
  if (env !== undefined) throw new UsageError('--env has no effect without --wrangler')
  if (vars !== undefined) return examineVariables(vars)
  return examineGate({
    gate: parseGateUrl(values.url),
    token: await tokenFor(values.token, values.data, 'security'),
    buckets: values['public-bucket'].map(address => parseAddress('--public-bucket', address)),
    others: values['workers-dev'].map(address => new URL(parseAddress('--workers-dev', address).origin)),
  })
}

/** Parses an address, which may lack its scheme. */
function parseAddress(option: string, address: string): URL {
  const url = /^https?:\/\//.test(address) ? address : `https://${address}`
  if (!URL.canParse(url))
    throw new UsageError(`${option} is not a URL`, 'write it as in https://pub-1234.r2.dev')
  return new URL(url)
}
