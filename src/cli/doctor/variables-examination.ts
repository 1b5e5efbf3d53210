import { type Stats, statSync } from 'node:fs'
import { resolveEntries } from '../../authenticate/entry.ts'
import { isLoopback } from '../../base/url.ts'
import { checkOptions } from '../../config/check-options.ts'
import { withDefaults } from '../../config/option.ts'
import { ConfigurationError } from '../../config/options.ts'
import { OPTIONS } from '../../config/table.ts'
import { readVariables, type VariableOptions, type Variables } from '../../config/variables.ts'
import { runInspection } from '../../doctor/examine.ts'
import { attempt, Failure } from '../../doctor/failure.ts'
import {
  type Finding,
  failed,
  notChecked,
  type Outcome,
  ok,
  runChecks,
  warning,
} from '../../doctor/finding.ts'
import { ISSUER_CHECKS } from '../../doctor/issuer-checks.ts'
import { KEY_CHECKS } from '../../doctor/key-checks.ts'
import { probeKeys } from '../../doctor/key-probes.ts'
import { judgeRules } from '../../doctor/rule-checks.ts'
import { parseUrl, type Settings } from '../../doctor/settings.ts'
import { SETTINGS_CHECKS } from '../../doctor/settings-checks.ts'
import { judgeAlerts } from '../../doctor/sink-checks.ts'
import { judgeStore } from '../../doctor/storage-checks.ts'
import { probeStore } from '../../doctor/storage-probes.ts'
import { systemCode } from '../../runtime/folder/disk-fault.ts'
import { createInspection } from '../../runtime/local/inspect.ts'
import { checkFleet, type LocalVariables, readLocalVariables } from '../../runtime/local/local-variables.ts'
import type { DatabaseOptions } from '../../runtime/postgres/options.ts'
import { createS3Store } from '../../runtime/s3/store.ts'
import { readVariablesFile, sayUnread } from '../variables-file.ts'
import type { Report } from './report.ts'

/** Examines the variables of a gate on one machine, before it starts. Opens neither its ledger nor its recordings. */
export async function examineVariables(file: string): Promise<Report> {
  const unread: Outcome[] = []
  const say = sayUnread(file)
  const variables = readVariablesFile(file, (name, meant) => {
    // The file of a service also has variables of other programs.
    if (meant === undefined) say(name, meant)
    else unread.push(misspelt(name, meant))
  })
  const { value: local, mistakes } = readOr(() => readLocalVariables(variables))
  return {
    title: `${file}, as a gate on one machine would be started with it`,
    whole: true,
    findings: [
      ...runChecks('settings', { variables: () => unread }, {}),
      ...(await examineSettings(variables, options => checkFleet({ ...local, ...options }), mistakes)),
      ...runChecks('settings', { database: () => judgeDatabase(local?.database) }, {}),
      ...(local === undefined ? [] : await examineMachine(local)),
    ],
  }
}

/** Reports a variable that isn't read and is most likely one of the gate's: under another name, its option keeps its default. */
export const misspelt = (name: string, meant: string): Outcome =>
  warning(
    `the variable ${name} is not read`,
    meant === '' ? 'correct its name, or remove it' : `write it ${meant}, if it is meant to be that`,
  )

/**
 * Examines the variables that every runtime has. The keys are fetched from here.
 *
 * @param requirePlatform throws a ConfigurationError if the gate does not start with these options where it will run
 * @param more mistakes that are known already
 */
export async function examineSettings(
  variables: Variables,
  requirePlatform: (options: VariableOptions) => void,
  more: readonly string[] = [],
): Promise<readonly Finding[]> {
  const { value: options, mistakes } = readOr(() => {
    const read = readVariables(variables)
    const { ledgerShards: _, ...common } = read
    checkOptions(common)
    return read
  })
  const ofPlatform = options === undefined ? [] : readOr(() => requirePlatform(options)).mistakes
  const all = [...more, ...mistakes, ...ofPlatform]
  const configuration =
    all.length === 0
      ? [ok('a gate can start with these variables')]
      : all.map(mistake => failed(mistake, 'correct it: until then the gate does not start'))
  const findings = runChecks('settings', { configuration: () => configuration }, {})
  if (options === undefined) return findings
  const settings = withDefaults(OPTIONS, options) as Settings
  return [
    ...findings,
    ...runChecks('settings', SETTINGS_CHECKS, settings),
    ...runChecks('settings', { rules: () => judgeRules(options) }, {}),
    ...runChecks('settings', { alerts: () => judgeAlerts(options.alerts?.length ?? 0) }, {}),
    ...runChecks('issuers', ISSUER_CHECKS, settings),
    ...runChecks('keys', KEY_CHECKS, await probeKeys(resolveEntries(settings.issuers), Date.now)),
  ]
}

/** Reads a configuration, or lists the mistakes in it. */
function readOr<Value>(read: () => Value): {
  readonly value?: Value
  readonly mistakes: readonly string[]
} {
  try {
    return { value: read(), mistakes: [] }
  } catch (error) {
    if (error instanceof ConfigurationError) return { mistakes: error.mistakes }
    throw error
  }
}

/** Without a certificate that is checked, the log and its password are open to the network. */
function judgeDatabase(database: DatabaseOptions | undefined): Outcome | readonly Outcome[] {
  if (database === undefined) return []
  return database.allowUnverified === true
    ? warning(
        'ALLOW_UNVERIFIED_DATABASE is on: the network between the gate and the database can read the log, and answer in its place',
        "remove it if you don't need it",
      )
    : ok('the certificate of the database is checked, unless it is on the machine of the gate')
}

async function examineMachine({
  data,
  s3,
  database,
  host,
  addressHeader,
}: LocalVariables): Promise<readonly Finding[]> {
  const store = s3 && (await probeStore(createS3Store(s3), false))
  const inspected = data === undefined ? [] : await inspectFolder(data)
  const running = 'start the gate, and run this with --url'
  return [
    ...runChecks(
      'storage',
      {
        recordings: () =>
          store === undefined
            ? notChecked('the recordings are in DATA_DIR, which a running gate may hold', running)
            : judgeStore(store),
        ledger: () =>
          database === undefined
            ? notChecked('the ledger is in DATA_DIR, which a running gate may hold', running)
            : notChecked('the ledger is in PostgreSQL', running),
      },
      {},
    ),
    ...inspected,
    ...runChecks('machine', { address_header: () => judgeAddressHeader(host, addressHeader) }, {}),
  ]
}

/** Looks at the data folder. Creates nothing there: it would belong to the user of this command, not to that of the gate. */
async function inspectFolder(data: string): Promise<readonly Finding[]> {
  const folder = await attempt(async () => statSync(data), systemCode)
  return !(folder instanceof Failure) && folder.isDirectory()
    ? await runInspection(createInspection(data))
    : runChecks('machine', { data_folder: () => judgeMissing(folder) }, {})
}

/** Judges a data folder that is missing, is not a folder, or can't be looked at. */
function judgeMissing(found: Stats | Failure): Outcome {
  const code = found instanceof Failure ? found.why : 'ENOTDIR'
  if (code === 'ENOENT') return notChecked('DATA_DIR does not exist yet: the gate creates it')
  return code !== 'ENOTDIR'
    ? notChecked(`DATA_DIR can't be looked at (${code})`, 'run this as the user of the gate')
    : failed(
        'DATA_DIR is a file, or is below one',
        'name a folder that the gate can create, or that is its own',
      )
}

function judgeAddressHeader(host: string, header: string | undefined) {
  const isLocal = isLoopback(parseUrl(`http://${host.includes(':') ? `[${host}]` : host}`))
  if (header === undefined) {
    return isLocal
      ? warning(
          'ADDRESS_HEADER is not set, and the gate listens on this machine only: records name the network of the proxy',
          'set it to the header in which the proxy in front says where a request came from, such as "X-Real-IP"',
        )
      : ok('records name the network that a connection came from')
  }
  return isLocal
    ? ok(`records name the network that the proxy in front writes into ${header}`)
    : warning(
        `the gate believes ${header}, and listens on ${host}: a client that reaches it there can write any network into the log`,
        'let only the proxy in front reach it',
      )
}
