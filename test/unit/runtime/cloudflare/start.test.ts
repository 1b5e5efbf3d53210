import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { bundle, DURABLE_OBJECTS } from '../../../../src/cli/workerd.ts'
import { findBindingMistakes } from '../../../../src/runtime/cloudflare/check-bindings.ts'
import { cloudflare } from '../../../../src/runtime/cloudflare/cloudflare.ts'
import { createIssuer, type TestIssuer, variables } from '../../../support/gate-client.ts'

// The worker that is deployed, in workerd, with bindings that are not what they must be.

let script: string
let idp: TestIssuer
let miniflare: Miniflare | undefined
beforeAll(async () => {
  script = await bundle()
  idp = await createIssuer()
})
afterEach(() => miniflare?.dispose())

const { LEDGER, LOG, CONTROL } = DURABLE_OBJECTS
const BUCKET = 'declare it in wrangler.toml, [[r2_buckets]] with binding ='
const NAMESPACE =
  'declare it in wrangler.toml, [[durable_objects.bindings]] with name = "LEDGER" and class_name = "LedgerObject"'

/** Starts the worker. Returns what it writes to its console. */
async function start(bindings: object, given: Record<string, string> = {}): Promise<string[]> {
  const lines: string[] = []
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 'mediaward',
      modules: true,
      script,
      compatibilityDate: '2026-10-20',
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: ({ message }) => lines.push(message),
      ...bindings,
      bindings: { ...variables(idp), ...given },
    }),
  )
  await miniflare.ready
  return lines
}
async function ask(path: string, init: Record<string, unknown> = {}) {
  const response = await miniflare?.dispatchFetch(`https://media.test${path}`, init)
  return { status: response?.status, body: await response?.text(), headers: response?.headers }
}

describe('a binding', () => {
  test('no request is answered with anything but 503 if LEDGER is misspelt, and one line on the console says so', async () => {
    const lines = await start({
      r2Buckets: ['RECORDINGS', 'AUDIT'],
      durableObjects: { LEGDER: LEDGER, LOG, CONTROL },
    })
    const headers = await idp.bearer('patient-1')
    for (const [path, init] of [
      ['/recordings/rec-1', {}],
      ['/recordings/rec-1', { headers }],
      ['/recordings/rec-1', { method: 'OPTIONS' }],
      ['/healthz', {}],
      ['/console/api/denials', { headers: await idp.bearer('analyst-1', { roles: ['security'] }) }],
    ] as const) {
      const answer = await ask(path, init)
      expect([answer.status, answer.body]).toEqual([503, ''])
      expect(answer.headers?.get('cache-control')).toBe('private, no-store')
      expect(answer.headers?.get('retry-after')).toBe('60')
    }
    expect(lines).toEqual([
      `mediaward: can't start: the binding LEDGER is missing: ${NAMESPACE} (is LEGDER meant to be it?)`,
    ])
    const bucket = await miniflare?.getR2Bucket('AUDIT')
    expect((await bucket?.list())?.objects).toEqual([])
  })

  const namespace = { durableObjects: DURABLE_OBJECTS }
  test.each<[string, object, string[]]>([
    [
      'RECORDINGS that is misspelt',
      { ...namespace, r2Buckets: ['RECORDING', 'AUDIT'] },
      [`RECORDINGS is missing: ${BUCKET} "RECORDINGS" (is RECORDING meant to be it?)`],
    ],
    [
      'AUDIT that is missing',
      { ...namespace, r2Buckets: ['RECORDINGS'] },
      [`AUDIT is missing: ${BUCKET} "AUDIT"`],
    ],
    [
      'AUDIT that is a KV namespace',
      { ...namespace, r2Buckets: ['RECORDINGS'], kvNamespaces: ['AUDIT'] },
      [`AUDIT is not an R2 bucket: ${BUCKET} "AUDIT"`],
    ],
    [
      'RECORDINGS and LEDGER that are swapped',
      { durableObjects: { RECORDINGS: LEDGER, LOG, CONTROL }, r2Buckets: ['LEDGER', 'AUDIT'] },
      [
        `RECORDINGS is not an R2 bucket: ${BUCKET} "RECORDINGS"`,
        `LEDGER is not a Durable Object namespace: ${NAMESPACE}`,
      ],
    ],
    [
      'LEDGER that is another worker',
      {
        r2Buckets: ['RECORDINGS', 'AUDIT'],
        serviceBindings: { LEDGER: () => new Response() },
        durableObjects: { LOG, CONTROL },
      },
      [`LEDGER is not a Durable Object namespace: ${NAMESPACE}`],
    ],
    [
      'none of the five',
      {},
      [
        `RECORDINGS is missing: ${BUCKET} "RECORDINGS"`,
        `AUDIT is missing: ${BUCKET} "AUDIT"`,
        `LEDGER is missing: ${NAMESPACE}`,
        `LOG is missing: ${NAMESPACE.replaceAll('LEDGER', 'LOG').replace('LedgerObject', 'LogObject')}`,
        `CONTROL is missing: ${NAMESPACE.replaceAll('LEDGER', 'CONTROL').replace('LedgerObject', 'ControlObject')}`,
      ],
    ],
  ])('a worker with %s answers 503 and names it', async (_, bindings, mistakes) => {
    const lines = await start(bindings)
    expect(await ask('/recordings/rec-1')).toMatchObject({ status: 503, body: '' })
    expect(lines).toEqual(mistakes.map(mistake => `mediaward: can't start: the binding ${mistake}`))
  })

  test.each([
    ['an empty string', ''],
    ['null', null],
    ['an empty object', {}],
    ['a function', () => {}],
  ])('a binding that is %s is a mistake', (_, value) => {
    const names = ['RECORDINGS', 'AUDIT', 'LEDGER', 'LOG', 'CONTROL']
    const mistakes = findBindingMistakes(Object.fromEntries(names.map(name => [name, value])))
    expect(mistakes.map(mistake => mistake.split(' ')[2])).toEqual(names)
  })

  test('the scheduled run of a worker with a wrong binding fails, so that it shows as failed', async () => {
    await start({ r2Buckets: ['RECORDINGS', 'AUDIT'] })
    const run = await (await miniflare?.getWorker())?.scheduled()
    expect(run?.outcome).toBe('exception')
  })

  test('an app that mounts the gate gets all mistakes at once', () => {
    expect(() => cloudflare({} as never)).toThrow(
      /can't start:\n {2}- the binding RECORDINGS is missing.*\n {2}- the binding AUDIT .*\n {2}- the binding LEDGER .*\n {2}- the binding LOG .*\n {2}- the binding CONTROL /,
    )
  })

  test('the worker starts with the bindings that it needs', async () => {
    await start({ r2Buckets: ['RECORDINGS', 'AUDIT'], durableObjects: DURABLE_OBJECTS })
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok' })
    expect((await ask('/recordings/rec-1')).status).toBe(401)
  })
})

describe('LEDGER_JURISDICTION', () => {
  const bucket = { head: () => {} } as never
  const namespaces = () => {
    const asked: string[] = []
    const inJurisdiction = (where: string) => ({
      idFromName: (name: string) => {
        asked.push(`${where} ${name}`)
        return `${where} ${name}`
      },
      get: () => ({
        append: async (_: unknown, log: string) => void asked.push(`for ${log}`),
        list: async () => [],
      }),
      jurisdiction: (name: string) => inJurisdiction(name),
    })
    return { objects: inJurisdiction('anywhere') as never, asked }
  }

  test.each([
    [undefined, 'anywhere'],
    ['eu', 'eu'],
  ] as const)(
    'with the jurisdiction %s records and restrictions go to Durable Objects that are %s',
    async (name, where) => {
      const { objects, asked } = namespaces()
      const { ledger, control } = cloudflare(
        { RECORDINGS: bucket, AUDIT: bucket, LEDGER: objects, LOG: objects, CONTROL: objects },
        1,
        name,
      )
      await ledger.append([{ id: '01a20657-1d65-70a8-a1f9-c9dba64c576e', json: '{}' }])
      await control.list()
      expect(asked).toEqual([
        ...[`${where} ledger-0`, `${where} log`, `for ${where} log`],
        `${where} control`,
      ])
    },
  )

  test('a worker whose runtime knows no jurisdictions keeps no record elsewhere, answers 503 and says what to do', async () => {
    const lines = await start(
      { r2Buckets: ['RECORDINGS', 'AUDIT'], durableObjects: DURABLE_OBJECTS },
      { LEDGER_JURISDICTION: 'eu' },
    )
    expect(await ask('/recordings/rec-1')).toMatchObject({ status: 503, body: '' })
    expect(lines).toEqual([
      "mediaward: can't start: LEDGER_JURISDICTION (ledgerJurisdiction) needs Cloudflare: workerd on your own machine has no jurisdictions, so set LEDGER_JURISDICTION= in .dev.vars",
    ])
  })
})
