import process from 'node:process'
import type { Explanation } from '../../explain/explanation.ts'
import { readQuestion } from '../../explain/question.ts'
import { Refusal } from '../../refusal.ts'
import { type Command, createCommand } from '../../runtime/node/command.ts'
import { DATA_OPTION, describeRefusal, GATE_OPTIONS, parseGateUrl, requestGate, tokenFor } from '../client.ts'
import { COMMAND, print, say, UsageError } from '../terminal.ts'
import { formatExplanation } from './format.ts'

/** The longest input that is read, in characters. Longer input was meant for another program. */
const MAX_INPUT = 65_536

/**
 * `mediaward explain`: says, step by step, what would become of a request with a token. Reads the token from stdin,
 * because shells and systems keep arguments. Never prints it.
 */
export const explain: Command = createCommand({
  usage: 'mediaward explain [RECORDING]',
  summary:
    'Says, step by step, what the gate answers to a token or an Authorization header, read from stdin.',
  allowPositionals: true,
  options: {
    role: {
      type: 'string',
      value: 'ROLE',
      about: 'Ask what this role permits, in place of playing a RECORDING: recorder, app or security.',
    },
    header: {
      type: 'string',
      value: 'NAME',
      about: 'The header that the token comes in. Default: Authorization',
    },
    cookie: { type: 'string', value: 'NAME', about: 'The cookie that the token comes in.' },
    vars: {
      type: 'string',
      value: 'FILE',
      about: 'A file of variables with ISSUERS. Without it, they come from the environment, else from "dev".',
    },
    jwks: {
      type: 'string',
      value: 'FILE',
      about: 'A file with the keys of the issuer, so that nothing is fetched.',
    },
    'show-ids': { type: 'boolean', default: false, about: "Print the subject's id, and not only its end." },
    json: { type: 'boolean', default: false, about: 'Print one JSON line.' },
    url: {
      type: 'string',
      value: 'URL',
      about: 'The origin of a gate to ask, which also looks at the recording. It records that it was asked.',
    },
    token: { ...GATE_OPTIONS.token, about: 'The token of an analyst, for --url. Default: as in "log".' },
    ...DATA_OPTION,
  },
  example: `${COMMAND} explain /recordings/rec-007 < token.txt`,

  async run(values, positionals) {
    const [url, ...others] = positionals
    if (others.length > 0) throw new UsageError('more than one recording is named', 'name one URL or path')
    const { role, header, cookie, vars, jwks, data, 'show-ids': showIds } = values
    const gate = values.url === undefined ? undefined : parseGateUrl(values.url)
    checkSides(gate, values)
    const call = { token: await readToken(), url, role, header, cookie }
    const question = readQuestion(call)
    if (question instanceof Refusal) throw new UsageError(question.detail ?? 'the question is invalid')
    const explanation =
      gate === undefined
        ? await (await loadOffline())(question, { vars, jwks, data, showIds })
        : await askGate(gate, await tokenFor(values.token, data, 'security'), call)
    await print(
      values.json ? JSON.stringify(explanation) : formatExplanation(explanation, gate === undefined),
    )
    process.exitCode = explanation.decision === 'permit' ? 0 : 1
  },
})

/** Loads most of a gate, which a call that asks a running one doesn't need. */
const loadOffline = async () => (await import('./offline.ts')).explainOffline

interface Sides {
  readonly vars?: string | undefined
  readonly jwks?: string | undefined
  readonly token?: string | undefined
  readonly 'show-ids'?: boolean | undefined
}

/** A gate has a configuration of its own, and only a gate needs an analyst's token. */
function checkSides(gate: URL | undefined, { vars, jwks, token, 'show-ids': showIds }: Sides): void {
  if (gate === undefined && token !== undefined) {
    throw new UsageError(
      '--token is the token of an analyst, which only a gate (--url) needs',
      'write the token to explain to stdin: arguments stay in the history of shells',
    )
  }
  if (gate !== undefined && (vars !== undefined || jwks !== undefined || showIds)) {
    throw new UsageError(
      '--vars, --jwks and --show-ids have no effect with --url',
      'the gate uses its own configuration, and names people by pseudonym',
    )
  }
}

/** Asks a gate. It records that it was asked, by whom, and about which recording. */
async function askGate(gate: URL, token: string, call: object): Promise<Explanation> {
  const response = await requestGate(new URL('/console/api/explain', gate), token, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(call),
  })
  if (response.ok) return (await response.json()) as Explanation
  const refusal = `the gate refused: ${await describeRefusal(response)}`
  if (response.status === 401) throw new UsageError(refusal, 'get a new token for MEDIAWARD_TOKEN or --token')
  if ([403, 404].includes(response.status)) {
    throw new UsageError(
      refusal,
      '--token needs the role "security"; one of a tenant explains only tokens and recordings of that tenant',
    )
  }
  throw new Error(refusal)
}

/** Reads the token from stdin, with a scheme before it if there is one, and without the white space around it. */
async function readToken(): Promise<string> {
  if (process.stdin.isTTY) say('Paste the token or the value of Authorization, then Enter and Ctrl+D:')
  let input = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    input += chunk as string
    if (input.length > MAX_INPUT)
      throw new UsageError(`stdin contains more than ${MAX_INPUT} characters`, 'write one token to it')
  }
  const token = input.trim()
  if (token === '') throw new UsageError('stdin is empty', 'write the token to explain to it')
  return token
}
