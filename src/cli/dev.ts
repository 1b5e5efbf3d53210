import process from 'node:process'
import { parseArgs } from 'node:util'
import { checkOptions } from '../config/options.ts'
import { readVariables } from '../config/variables.ts'
import { DATA } from './client.ts'
import { type DemoRecording, seedClinic } from './clinic.ts'
import { lockData } from './data-lock.ts'
import {
  createDevelopment,
  type Development,
  developmentIssuer,
  readDevelopment,
  saveDevelopment,
} from './development-issuer.ts'
import { freePort } from './free-port.ts'
import type { StartGate } from './local-gate.ts'
import { COMMAND } from './own-file.ts'
import { print, say, UsageError } from './terminal.ts'
import { readVariablesFile } from './variables-file.ts'

/** Loaded only when called: what one runtime needs may not be there for another. */
const RUNTIMES: Readonly<Record<string, () => Promise<StartGate>>> = {
  workerd: async () => (await import('./workerd.ts')).startWorkerd,
  node: async () => (await import('./server-process.ts')).serverProcess('node'),
  deno: async () => (await import('./server-process.ts')).serverProcess('deno'),
}

/** `mediaward dev`: everything on this machine. */
export async function dev(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runtime: { type: 'string', default: 'workerd' },
      port: { type: 'string', default: '8787' },
      data: { type: 'string', default: DATA },
      vars: { type: 'string' },
      'no-demo': { type: 'boolean', default: false },
    },
  })
  const runtime = Object.hasOwn(RUNTIMES, values.runtime) ? RUNTIMES[values.runtime] : undefined
  if (runtime === undefined) {
    throw new UsageError(`--runtime ${values.runtime} is unknown`, 'take workerd, deno or node')
  }
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN
  if (!(port <= 65535))
    throw new UsageError(`--port ${values.port} is no port`, 'take one from 0 (any) to 65535')

  // Everything is checked before anything is touched.
  const given = values.vars === undefined ? {} : readVariablesFile(values.vars)
  const development = readDevelopment(values.data) ?? (await createDevelopment())
  const listening = port === 0 ? await freePort() : port
  const variables = withDefaults(given, development, listening)
  const { issuers, ...options } = readVariables(variables)
  checkOptions({ issuers, ...options })
  const release = lockData(values.data)
  process.once('exit', release)
  saveDevelopment(values.data, development)

  const startGate = await runtime()
  const sole = issuers.length === 1 ? issuers[0]?.issuer : undefined
  let clinic: readonly DemoRecording[] = []
  const gate = await startGate(listening, values.data, variables, async shelf => {
    if (!values['no-demo']) clinic = await seedClinic(shelf, sole)
  })
  const stop = async () => {
    await gate.stop()
    process.exit(0)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)

  if (given.ISSUERS === undefined) welcome(gate.url, clinic, values.data)
  await print(JSON.stringify({ ready: true, url: gate.url }))
}

/** What is given wins; the development issuer is trusted only where no other is named. */
function withDefaults(
  given: Record<string, string>,
  development: Development,
  port: number,
): Record<string, string> {
  return {
    ISSUERS: JSON.stringify([developmentIssuer(development)]),
    PSEUDONYM_KEY: development.pseudonymKey,
    // Another key comes of it than the one of pseudonyms.
    TICKET_KEY: development.pseudonymKey,
    PUBLIC_URL: new URL(`http://127.0.0.1:${port}`).origin,
    ...given,
  }
}

function welcome(url: string, clinic: readonly DemoRecording[], data: string): void {
  const dataFlag = data === DATA ? '' : ` --data ${data}`
  const bearer = (subject: string) =>
    `-H "Authorization: Bearer $(${COMMAND} token --sub ${subject}${dataFlag})"`
  const here = url === 'http://127.0.0.1:8787' ? '' : ` --url ${url}`
  const [own, other] = [clinic.find(({ owner }) => owner === 'patient-007'), clinic[0]]
  say(`Mediaward serves on ${url}, this machine only; data in ${data}`)
  if (own !== undefined && other !== undefined) {
    const patients = new Set(clinic.map(({ owner }) => owner)).size
    say(`
Demo clinic: ${clinic.length} recordings of ${patients} patients, at ${url}/recordings/${own.id} and so on.
In another terminal:

  # patient-007 asks for their own recording: 206
  curl -i -o /dev/null -sw '%{http_code}\\n' -r 0-999 ${bearer(own.owner)} ${url}/recordings/${own.id}

  # patient-007 asks for ${other.owner}'s: 404, and a record of it
  curl -i ${bearer(own.owner)} ${url}/recordings/${other.id}

  # nobody asks: 401, and a record of it
  curl -i ${url}/recordings/${own.id}

  # a URL for what sends no header: a browser, VLC, a television
  curl -i -X POST ${bearer(own.owner)} ${url}/recordings/${own.id}/ticket`)
  }
  say(`
  # who was refused what
  ${COMMAND} denials${here}${dataFlag}          (--follow to watch, --json for programs)
`)
}
