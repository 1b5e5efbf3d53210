import process from 'node:process'
import { checkOptions } from '../config/check-options.ts'
import { OPTIONS } from '../config/table.ts'
import { readVariables } from '../config/variables.ts'
import type { Location } from '../locate/location.ts'
import { type Command, createCommand, type OptionValues } from '../runtime/node/command.ts'
import { DATA_OPTION, DEFAULT_DATA, DEFAULT_URL } from './client.ts'
import { lockData } from './data-lock.ts'
import { openPageOfDev, variablesFor } from './demo/open-page.ts'
import { DEMO_KEY, type DemoRecording, seedDemoRecordings } from './demo-recordings.ts'
import {
  createDevelopmentSecrets,
  type DevelopmentSecrets,
  developmentIssuer,
  readDevelopmentSecrets,
  saveDevelopmentSecrets,
} from './development-issuer.ts'
import { freePort, requirePort, type StartGate } from './local-gate.ts'
import { COMMAND, print, say, UsageError } from './terminal.ts'
import { readVariablesFile, warnOfIgnoredVariables } from './variables-file.ts'

/** Loads a runtime only when it is used: the packages of another may not be installed. */
const RUNTIMES: Readonly<Record<string, () => Promise<StartGate>>> = {
  workerd: async () => (await import('./workerd.ts')).startWorkerd,
  node: async () => (await import('./server-process.ts')).createServerStarter('node'),
  deno: async () => (await import('./server-process.ts')).createServerStarter('deno'),
}

const DEV_OPTIONS = {
  runtime: { type: 'string', value: 'NAME', default: 'workerd', about: 'workerd, deno or node.' },
  port: {
    type: 'string',
    value: 'PORT',
    default: '8787',
    about:
      'The port to serve on; 0 is any free one. Once it serves, it prints one JSON line: {"ready":true,"url":…}.',
  },
  ...DATA_OPTION,
  vars: {
    type: 'string',
    value: 'FILE',
    about: 'A file of variables, as NAME=value lines. If it sets ISSUERS, only those issuers are trusted.',
  },
  'no-demo': { type: 'boolean', default: false, about: 'Store no recordings of the demo clinic.' },
} as const

/** `mediaward dev`: a gate on this machine, with everything that it needs. */
export const dev: Command = createCommand({
  usage: 'mediaward dev',
  summary: 'Runs everything on this machine: a gate, recordings, a log, and an issuer for development.',
  options: DEV_OPTIONS,
  example: `${COMMAND} dev --runtime node --port 8080`,
  run: start,
})

async function start(values: OptionValues<typeof DEV_OPTIONS>): Promise<void> {
  const runtime = Object.hasOwn(RUNTIMES, values.runtime) ? RUNTIMES[values.runtime] : undefined
  if (runtime === undefined) {
    throw new UsageError(`--runtime ${values.runtime} is unknown`, 'use workerd, deno or node')
  }
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN
  if (!(port <= 65535))
    throw new UsageError(`--port ${values.port} is not a port`, 'use 0 (any free port) to 65535')

  // Everything is checked before any file is written.
  const given = values.vars === undefined ? {} : readVariablesFile(values.vars)
  warnOfIgnoredVariables(Object.keys(given), values.runtime)
  const development = readDevelopmentSecrets(values.data) ?? (await createDevelopmentSecrets())
  const listening = port === 0 ? await freePort() : port
  const variables = withDefaults(given, development, listening)
  const { issuers, ...options } = readVariables(variables)
  checkOptions({ issuers, ...options })
  const release = lockData(values.data)
  process.once('exit', release)
  await requirePort(listening)
  saveDevelopmentSecrets(values.data, development)

  const startGate = await runtime()
  // A bucket that the variables name has no demo recordings.
  const hasDemo = !values['no-demo'] && (values.runtime === 'workerd' || given.S3_BUCKET === undefined)
  const page = hasDemo
    ? await openPageOfDev({
        data: values.data,
        development,
        port,
        gatePort: listening,
        options: { issuers, ...options },
      })
    : undefined
  const onlyIssuer = issuers.length === 1 ? issuers[0]?.issuer : undefined
  let demo: readonly DemoRecording[] = []
  const gate = await startGate(
    listening,
    values.data,
    page ? variablesFor(page, variables) : variables,
    async store => {
      if (!values['no-demo']) demo = await seedDemoRecordings(store, onlyIssuer)
    },
  )
  const stop = async () => {
    page?.close()
    await gate.stop()
    process.exit(0)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)

  say(`Mediaward serves on ${gate.url}, for this machine only. Its data is in ${values.data}`)
  if (given.ISSUERS === undefined) showCalls(gate.url, demo, values.data, options.locations)
  else say(`It trusts the issuers of ${values.vars}. Commands send the token that MEDIAWARD_TOKEN holds\n`)
  if (page !== undefined) say(`See it in a browser: ${page.url}\n`)
  await print(JSON.stringify({ ready: true, url: gate.url, page: page?.url }))
}

/** Adds defaults to the variables given. The development issuer is trusted only if they name no issuers. */
function withDefaults(
  given: Record<string, string>,
  development: DevelopmentSecrets,
  port: number,
): Record<string, string> {
  return {
    ISSUERS: JSON.stringify([developmentIssuer(development)]),
    PSEUDONYM_KEY: development.pseudonymKey,
    // Another secret, as the gate's own doctor wants it.
    TICKET_KEY: `tickets:${development.pseudonymKey}`,
    PUBLIC_URL: new URL(`http://127.0.0.1:${port}`).origin,
    ...given,
  }
}

/** Shows calls to try, with tokens of the development issuer. */
function showCalls(
  url: string,
  demo: readonly DemoRecording[],
  data: string,
  locations: readonly Location[] = OPTIONS.locations.default,
): void {
  const dataFlag = data === DEFAULT_DATA ? '' : ` --data ${data}`
  const bearer = (subject: string) =>
    `-H "Authorization: Bearer $(${COMMAND} token --sub ${subject}${dataFlag})"`
  const urlFlag = url === DEFAULT_URL ? '' : ` --url ${url}`
  const [own, other] = [demo.find(({ owner }) => owner === 'patient-007'), demo[0]]
  // The variables may have moved the recordings to another path, or name locations that lead to no demo recording.
  const path = locations.find(({ key }) => key === DEMO_KEY)?.url
  if (own !== undefined && other !== undefined && path !== undefined) {
    const addressOf = ({ id }: DemoRecording) => url + path.replace(':recording', id)
    const patients = new Set(demo.map(({ owner }) => owner)).size
    say(`
Demo clinic: ${demo.length} recordings of ${patients} patients, at ${addressOf(own)} and so on.
In another terminal:

  # patient-007 requests their own recording: 206
  curl -i -o /dev/null -sw '%{http_code}\\n' -r 0-999 ${bearer(own.owner)} ${addressOf(own)}

  # patient-007 requests a recording of ${other.owner}: 404, and the refusal is recorded
  curl -i ${bearer(own.owner)} ${addressOf(other)}

  # a request without a token: 401, and the refusal is recorded
  curl -i ${addressOf(own)}

  # a URL for players that can't send a token: a browser, VLC, a television
  curl -i -X POST ${bearer(own.owner)} ${addressOf(own)}/ticket`)
  }
  say(`
  # lists the refusals
  ${COMMAND} denials${urlFlag}${dataFlag}          (--follow to watch, --json for programs)
`)
}
