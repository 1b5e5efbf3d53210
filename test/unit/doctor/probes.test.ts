import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test, vi } from 'vitest'
import type { Entry } from '../../../src/authenticate/entry.ts'
import { StorageFault } from '../../../src/base/storage-fault.ts'
import { attempt, Failure } from '../../../src/doctor/failure.ts'
import { runChecks } from '../../../src/doctor/finding.ts'
import { KEY_CHECKS } from '../../../src/doctor/key-checks.ts'
import { type ClockFacts, probeKeys } from '../../../src/doctor/key-probes.ts'
import { NETWORK_CHECKS } from '../../../src/doctor/network-checks.ts'
import { RECORD_CHECKS, STORAGE_CHECKS } from '../../../src/doctor/storage-checks.ts'
import {
  findRecord,
  MAX_COUNTED,
  PROBE_CONTENT,
  probeControl,
  probeLedger,
  probeOwners,
  probeSpool,
  probeStore,
} from '../../../src/doctor/storage-probes.ts'
import { eventId } from '../../../src/ledger/event-id.ts'
import type { LedgerSpool } from '../../../src/ledger/ledger.ts'
import { type OwnerLookup, Owners } from '../../../src/recordings/owner-source.ts'
import { PROBE_KEY } from '../../../src/recordings/recording.ts'
import { DamagedPart, type RecordingStore } from '../../../src/recordings/recording-store.ts'
import { diskFailed } from '../../../src/runtime/folder/disk-fault.ts'
import { MACHINE_CHECKS, type MachineFacts } from '../../../src/runtime/local/machine-checks.ts'
import {
  createMemoryLedger,
  createMemorySpool,
  createMemoryStore,
} from '../../../src/runtime/memory/index.ts'
import { createIssuer } from '../../support/issuer.ts'
import { storeWith } from '../../support/store-with.ts'

/** Runs one check, and returns its state and what it found. */
const stateOf = <Facts>(checks: Parameters<typeof runChecks<Facts>>[1], facts: Facts, check: string) =>
  runChecks('storage', checks, facts)
    .filter(finding => finding.check === check)
    .map(({ state, found }) => `${state}: ${found}`)

const storageOf = async (store: RecordingStore, keep = false) =>
  stateOf(
    STORAGE_CHECKS,
    { store: await probeStore(store, keep), invents: undefined, read: 1, lag: undefined, control: 1 },
    'recordings',
  )

describe('the store', () => {
  test('an object is written, read back and removed', async () => {
    const store = createMemoryStore()
    expect(await storageOf(store)).toEqual([expect.stringMatching(/^ok: .*removed$/)])
    expect(await store.find(PROBE_KEY)).toBeNull()
    expect(await storageOf(store)).toEqual([expect.stringMatching(/^ok: .*removed$/)])
  })

  test('an object that is to stay is there until the next examination', async () => {
    const store = createMemoryStore()
    expect(await storageOf(store, true)).toEqual([expect.stringMatching(/^ok: .*left until/)])
    const opened = await store.open(PROBE_KEY)
    expect(await new Response(opened?.body).text()).toBe(PROBE_CONTENT)
    expect(await storageOf(store)).toEqual([expect.stringMatching(/^ok: .*removed$/)])
    expect(await store.find(PROBE_KEY)).toBeNull()
  })

  const memory = () => createMemoryStore()
  test.each<[string, (store: RecordingStore) => Partial<RecordingStore>, RegExp]>([
    [
      'that can not be written',
      () => ({ put: () => Promise.reject(new StorageFault('R2 failed (10042)')) }),
      /^failed: .*R2 failed \(10042\)$/,
    ],
    [
      'whose error may hold anything',
      () => ({ put: () => Promise.reject(new Error('key=SECRET')) }),
      /^failed: (?!.*SECRET)/,
    ],
    [
      'that can not be read',
      () => ({ find: () => Promise.reject(new StorageFault('no')) }),
      /^failed: .*: no$/,
    ],
    [
      'whose object is damaged',
      () => ({ find: async () => new DamagedPart(new StorageFault('torn')) }),
      /^failed: .*: torn$/,
    ],
    [
      'that loses owners',
      store => ({
        find: async key => {
          const found = await store.find(key)
          return found instanceof DamagedPart ? found : found && { ...found, ownership: {} }
        },
      }),
      /^failed: .*lost the owner/,
    ],
    ['that gives other bytes', store => ({ open: key => store.open(key) }), /^failed: .*other bytes/],
    ['that has no bytes', () => ({ open: async () => null }), /^failed: .*other bytes/],
    ['that another examination writes to', () => ({ put: async () => null }), /^not_checked/],
    [
      'that lets nothing be removed',
      () => ({ removeProbe: async () => false }),
      /^ok: .*lets the gate remove nothing/,
    ],
    [
      'that fails to remove',
      () => ({ removeProbe: () => Promise.reject(new StorageFault('R2 failed (10001)')) }),
      /^failed/,
    ],
  ])('a store %s', async (_, methods, found) => {
    const store = memory()
    expect(await storageOf(storeWith(store, methods(store)))).toEqual([expect.stringMatching(found)])
  })
})

describe('how to fix a store depends on why it failed', () => {
  test.each([
    [
      'S3 answered 404 NoSuchBucket to PutObject: look at S3_BUCKET and S3_ENDPOINT',
      /^look at S3_BUCKET and/,
    ],
    [
      'S3 answered 403 InvalidAccessKeyId to GetObject: look at S3_ACCESS_KEY_ID',
      /^look at S3_ACCESS_KEY_ID$/,
    ],
    ['the recordings folder can only be read (EROFS): mount it so that it can be written', /^mount it so/],
    ['S3 could not be reached for GetObject (ECONNREFUSED)', /^see that the gate can reach the store/],
    ['took over 12000 ms', /^see that the gate can reach the store/],
    ['the disk of the recordings failed (EIO)', /the disk of DATA_DIR works/],
    ['R2 failed (10001)', /its console says more$/],
  ])('%s', (why, fix) => {
    const store = new Failure(why)
    const [finding] = runChecks('storage', STORAGE_CHECKS, {
      store,
      invents: undefined,
      read: 1,
      lag: undefined,
      control: 1,
    })
    expect(finding).toMatchObject({ check: 'recordings', state: 'failed', fix: expect.stringMatching(fix) })
    // The report has it once.
    expect(finding?.found).not.toMatch(fix)
    expect(finding?.found).toContain(why.split(': ')[0])
  })

  test.each(['EACCES', 'EPERM', 'ENOTDIR', 'EROFS', 'ENOSPC'])('%s of a folder names no bucket', code => {
    const why = faultOf(() => diskFailed(Object.assign(new Error('/secret'), { code })))
    const store = new Failure(why)
    const [finding] = runChecks('storage', STORAGE_CHECKS, {
      store,
      invents: undefined,
      read: 1,
      lag: undefined,
      control: 1,
    })
    expect(finding?.found).toMatch(new RegExp(`\\(${code}\\)$`))
    expect(finding?.fix).not.toMatch(/bucket|S3|console/)
  })
})

/** Returns the message of what is thrown. */
function faultOf(work: () => never): string {
  try {
    return work()
  } catch (error) {
    return (error as Error).message
  }
}

describe('an owner source', () => {
  const found = async (lookup?: OwnerLookup) => {
    const owners = new Owners(lookup, 'https://login.test')
    const invents = owners.areStamped ? undefined : await probeOwners(owners)
    return stateOf(
      STORAGE_CHECKS,
      { store: new Failure('x'), invents, read: 1, lag: undefined, control: 1 },
      'owner_source',
    )
  }
  test.each<[string, OwnerLookup | undefined, readonly unknown[]]>([
    ['that is the stamp has no finding', undefined, []],
    ['that knows no owner is ok', async () => null, [expect.stringMatching(/^ok/)]],
    [
      'that invents one fails',
      async () => ({ owner: 'patient-1' }),
      [expect.stringMatching(/^failed: it names an owner/)],
    ],
    [
      'that throws fails, and its message is not shown',
      () => Promise.reject(new Error('SECRET')),
      [expect.stringMatching(/^failed: (?!.*SECRET).*the owner source failed/)],
    ],
  ])('%s', async (_, lookup, outcome) => {
    expect(await found(lookup)).toEqual(outcome)
  })
})

describe('the ledger', () => {
  test('a read is timed', async () => {
    let time = 0
    expect(await probeLedger(createMemoryLedger(), () => (time += 20))).toBe(20)
    const facts = { store: new Failure('x'), invents: undefined, lag: undefined, control: 1 }
    expect(stateOf(STORAGE_CHECKS, { ...facts, read: 20 }, 'ledger')).toEqual([expect.stringMatching(/^ok/)])
    expect(stateOf(STORAGE_CHECKS, { ...facts, read: 1500 }, 'ledger')).toEqual([
      expect.stringMatching(/^warning/),
    ])
    expect(stateOf(STORAGE_CHECKS, { ...facts, read: new Failure('torn') }, 'ledger')).toEqual([
      expect.stringMatching(/^failed.*torn/),
    ])
  })

  test.each<[string, number | Failure | undefined, readonly unknown[]]>([
    ['that there is none of has no finding', undefined, []],
    ['that has all records is ok', 0, [expect.stringMatching(/^ok/)]],
    ['that collects records for an hour is ok', 2 * 3_600_000, [expect.stringMatching(/^ok/)]],
    [
      'that takes no records is a warning',
      3.5 * 3_600_000,
      ['warning: the archive is 3 hours behind, so nothing is pruned'],
    ],
    [
      'that can not be asked fails',
      new Failure('R2 failed'),
      [expect.stringMatching(/^failed: .*R2 failed$/)],
    ],
  ])('an archive %s', (_, lag, outcome) => {
    const facts = { store: new Failure('x'), invents: undefined, read: 1, lag, control: 1 }
    expect(stateOf(STORAGE_CHECKS, facts, 'archive')).toEqual(outcome)
  })

  test('what is locked down is asked, and silence for two seconds is a failure', async () => {
    vi.useFakeTimers()
    const silent = probeControl({ changes: () => new Promise(() => {}) }, Date.now)
    await vi.advanceTimersByTimeAsync(2_000)
    vi.useRealTimers()
    let time = 0
    const asked: unknown[] = []
    const quick = await probeControl(
      {
        async changes(...args) {
          asked.push(args)
          return { changes: [], epoch: 0, more: false }
        },
      },
      () => (time += 20),
    )
    expect(asked).toEqual([[0, 0]])
    const facts = { store: new Failure('x'), invents: undefined, read: 1, lag: undefined }
    const found = (control: number | Failure) => stateOf(STORAGE_CHECKS, { ...facts, control }, 'control')
    expect(found(quick)).toEqual(['ok: what is locked down was asked in 20 ms'])
    expect(found(await silent)).toEqual([expect.stringMatching(/^failed: .*took over 2000 ms$/)])
    const broken = probeControl({ changes: () => Promise.reject(new Error('SECRET')) }, Date.now)
    expect(found(await broken)).toEqual([expect.stringMatching(/^failed: (?!.*SECRET)/)])
  })

  test('the record of the examination is found by its id', async () => {
    const ledger = createMemoryLedger()
    const id = eventId(Date.now())
    const entry = { id, json: JSON.stringify({ id, kind: 'console', t: new Date().toISOString() }) }
    expect(await findRecord(ledger, id)).toBeUndefined()
    await ledger.append([entry])
    expect(await findRecord(ledger, id)).toMatchObject(entry)
  })

  const now = Date.parse('2026-11-26T10:00:00Z')
  const waitingSince =
    (minutes: number, count = 1) =>
    async () =>
      Array.from({ length: count }, (_, i) => ({ id: eventId(now - minutes * 60_000 + i), json: '{}' }))
  const spoolState = async (spool: LedgerSpool | undefined, isRecorded: boolean | Failure = true) => {
    const id = eventId(now)
    const entry = isRecorded === true ? { id, json: '{"a":1}', index: 0 } : undefined
    const facts = { isRecorded, spool: spool && (await probeSpool(spool, entry)), now }
    return [...stateOf(RECORD_CHECKS, facts, 'record'), ...stateOf(RECORD_CHECKS, facts, 'spool')]
  }
  test('a spool keeps the record and gives it back, and nothing of it is left there', async () => {
    const spool = createMemorySpool()
    expect(await spoolState(spool)).toEqual([
      expect.stringMatching(/^ok/),
      expect.stringMatching(/^ok.*no record waits/),
    ])
    expect(await spool.waiting(10)).toEqual([])
  })

  test('records that were kept before stay, and are counted', async () => {
    const spool = createMemorySpool()
    await spool.keep({ id: eventId(now - 60_000), json: '{}' })
    expect(await spoolState(spool)).toEqual([
      expect.anything(),
      expect.stringMatching(/^warning: records wait in it: 1, the oldest since 2026-11-26T09:59:00/),
    ])
    expect(await spool.waiting(10)).toHaveLength(1)
  })

  test.each<[string, (spool: LedgerSpool) => Partial<LedgerSpool> | undefined, RegExp]>([
    ['that loses what it keeps', () => ({ keep: async () => {} }), /^failed: .*lost a record/],
    [
      'that changes what it keeps',
      spool => ({ keep: ({ id }) => spool.keep({ id, json: '{}' }) }),
      /^failed: .*lost a record/,
    ],
    [
      'that fails',
      () => ({ keep: () => Promise.reject(new StorageFault('R2 failed')) }),
      /^failed: the spool failed: R2 failed$/,
    ],
  ])('a spool %s', async (_, methods, found) => {
    const spool = createMemorySpool()
    expect(await spoolState({ ...spool, ...methods(spool) })).toEqual([
      expect.anything(),
      expect.stringMatching(found),
    ])
  })

  test('records that wait for more than five minutes are a failure, and more than a hundred are not counted', async () => {
    const spool = createMemorySpool()
    for (const entry of await waitingSince(6, MAX_COUNTED + 20)()) await spool.keep(entry)
    expect(await spoolState(spool)).toEqual([
      expect.anything(),
      expect.stringMatching(/^failed: records wait in it: 100 or more/),
    ])
  })

  test('a ledger without a spool is a warning, and one that did not take the record a failure', async () => {
    expect(await spoolState(undefined)).toEqual([
      expect.stringMatching(/^ok/),
      expect.stringMatching(/^warning/),
    ])
    expect(await spoolState(createMemorySpool(), false)).toEqual([
      expect.stringMatching(/^failed: .*waits in the spool/),
      expect.stringMatching(/^not_checked: .*is not known/),
    ])
    expect(await spoolState(createMemorySpool(), new Failure('torn'))).toEqual([
      expect.stringMatching(/^failed: .*torn/),
      expect.stringMatching(/^not_checked: .*is not known/),
    ])
  })
})

describe('keys and the clock', () => {
  const clocked = (clock: ClockFacts | undefined) =>
    stateOf(KEY_CHECKS, { keys: [], introspections: [], metadata: [], clock, tolerance: 30 }, 'clock')
  test.each<[ClockFacts | undefined, RegExp]>([
    [undefined, /^not_checked/],
    [{ server: 'login.test', ahead: 0.7 }, /^ok/],
    [
      { server: 'login.test', ahead: -12 },
      /^warning: the clock of the gate is 12 s behind that of login\.test/,
    ],
    [{ server: 'login.test', ahead: 31 }, /^failed: .* 31 s ahead/],
  ])('a clock as in %j', (clock, found) => {
    expect(clocked(clock)).toEqual([expect.stringMatching(found)])
  })

  const keysOf = async (more: Partial<Entry>) => {
    const { jwks } = await createIssuer()
    const entry = {
      issuer: 'https://login.test',
      name: 'staff',
      algorithms: ['ES256'],
      jwks,
      tenant: undefined,
      ...more,
    }
    const facts = await probeKeys([entry as unknown as Entry], Date.now)
    return runChecks('keys', KEY_CHECKS, facts).filter(({ check }) => check === 'keys')
  }
  test.each<[string, Partial<Entry>, string, RegExp]>([
    ['good ones', {}, 'ok', /^1 usable key for ES256$/],
    ['none for the algorithms', { algorithms: ['RS256'] }, 'failed', /none for its algorithms \(RS256\)/],
    ['none at all', { jwks: { keys: [] } }, 'failed', /0 usable keys/],
    [
      'a function that fails',
      { jwks: () => Promise.reject(new Error('SECRET')) },
      'failed',
      /^(?!.*SECRET)its keys can't be had/,
    ],
    [
      'a server that does not answer',
      { jwks: undefined as never, jwks_uri: 'http://127.0.0.1:9/keys' },
      'failed',
      /http:\/\/127\.0\.0\.1:9\/keys can't be fetched/,
    ],
  ])('%s', async (_, more, state, found) => {
    expect(await keysOf(more)).toEqual([
      expect.objectContaining({ state, entry: 'staff', found: expect.stringMatching(found) }),
    ])
  })

  test('keys that can not be used are a warning beside those that can', async () => {
    const { jwks } = await createIssuer()
    const weak = { kty: 'RSA', kid: 'old', n: 'AQAB', e: 'AQAB' }
    expect(await keysOf({ jwks: { keys: [...jwks.keys, weak] } as never })).toEqual([
      expect.objectContaining({
        state: 'warning',
        found: expect.stringMatching(/1 usable key for ES256; kid "old" is not used: /),
      }),
    ])
  })
})

describe('the metadata of a provider', () => {
  const found = async (metadata: object | undefined) => {
    const server = createServer((_, response) => {
      response.statusCode = metadata === undefined ? 404 : 200
      response.end(JSON.stringify(metadata))
    }).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { jwks } = await createIssuer()
    const entry = { issuer: origin, name: 'staff', algorithms: ['ES256'], jwks, tenant: undefined }
    const facts = await probeKeys([entry as unknown as Entry], Date.now)
    server.close()
    return runChecks('keys', KEY_CHECKS, facts).flatMap(({ check, state, found, entry }) =>
      check === 'metadata' ? `${entry} ${state}: ${found.replaceAll(origin, 'ORIGIN')}` : [],
    )
  }
  test.each<[string, object | undefined, readonly string[]]>([
    ['that is not published', undefined, []],
    ['that is not an object', 'x' as never, []],
    [
      'with another issuer',
      { issuer: 'https://login.clinic.test/' },
      [
        'staff warning: its issuer is "ORIGIN", and the provider\'s metadata calls itself "https://login.clinic.test/"',
      ],
    ],
    [
      'with a line break in its issuer',
      { issuer: 'a\nb' },
      ['staff warning: its issuer is "ORIGIN", and the provider\'s metadata calls itself "a\\u{a}b"'],
    ],
    [
      'without an issuer',
      {},
      ['staff warning: its issuer is "ORIGIN", and the provider\'s metadata names no issuer'],
    ],
  ])('%s', async (_, metadata, outcome) => {
    expect(await found(metadata)).toEqual(outcome)
  })

  test.each<[string, readonly string[], string | undefined, string]>([
    [
      'with the issuer of access tokens of AD FS',
      ['https://sts.test/adfs', 'http://sts.test/adfs/services/trust'],
      undefined,
      'ok',
    ],
    ['with the keys of all apps', ['http://sts.test/adfs/services/trust'], 'https://sts.test/keys', 'ok'],
    ['with other keys', ['http://sts.test/adfs/services/trust'], 'https://sts.test/others', 'warning'],
  ])('%s', (_, issuers, jwksUri, state) => {
    const entry = {
      name: 'staff',
      issuer: 'http://sts.test/adfs/services/trust',
      jwks_uri: 'https://sts.test/keys?appid=1',
    }
    const facts = {
      keys: [],
      introspections: [],
      metadata: [{ entry, issuers, jwksUri, offersDpop: false }],
      clock: undefined,
      tolerance: 30,
    }
    const judged = runChecks('keys', KEY_CHECKS, facts).filter(({ check }) => check === 'metadata')
    expect(judged.map(finding => finding.state)).toEqual([state])
  })
})

describe('an introspection endpoint', () => {
  const found = async (status: number, answer: string) => {
    const asked: string[] = []
    const server = createServer(async (request, response) => {
      asked.push(await text(request))
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer)
    }).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const introspection = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`,
      client_id: 'gate',
      client_secret: 'SECRET-OF-THE-GATE',
    }
    const entry = {
      issuer: 'https://login.test',
      name: 'staff',
      algorithms: [],
      introspection,
      tenant: undefined,
    }
    const facts = await probeKeys([entry as unknown as Entry], Date.now)
    server.close()
    expect(asked).toEqual([expect.stringMatching(/^token=doctor-[0-9a-f-]{36}&/)])
    return runChecks('keys', KEY_CHECKS, facts).filter(({ check }) => check !== 'clock')
  }
  test.each<[number, string, string, RegExp]>([
    [200, '{"active":false}', 'ok', /accepts the gate as a client/],
    [200, '{"active":true,"sub":"patient-1"}', 'failed', /a made-up token is active/],
    [401, '{"error":"invalid_client"}', 'failed', /status 401 invalid_client, so it doesn't accept the gate/],
    [404, '', 'failed', /status 404/],
    [200, '<html>', 'failed', /not a JSON object/],
  ])('that answers %i %s is %s', async (status, answer, state, why) => {
    const findings = await found(status, answer)
    expect(findings).toEqual([
      expect.objectContaining({
        check: 'introspection',
        state,
        entry: 'staff',
        found: expect.stringMatching(why),
      }),
    ])
    expect(JSON.stringify(findings)).not.toContain('SECRET')
  })
})

describe('a machine', () => {
  const good: MachineFacts = {
    runtime: 'Node 24.21.0',
    ignoresCertificates: false,
    others: 'nothing',
    disk: { free: 2 ** 36, size: 2 ** 40 },
  }
  const states = (facts: MachineFacts) =>
    runChecks('machine', MACHINE_CHECKS, facts).map(({ check, state }) => `${check} ${state}`)
  test.each<[string, Partial<MachineFacts>, string]>([
    ['as it should be', {}, 'runtime ok'],
    ['that checks no certificates', { ignoresCertificates: true }, 'runtime failed'],
    ['whose users can list the folder', { others: 'read' }, 'data_folder warning'],
    ['whose users can write to the folder', { others: 'write' }, 'data_folder failed'],
    ['with its folder on NFS', { networkFileSystem: 'NFS' }, 'data_folder warning'],
    ['with little room', { disk: { free: 2 ** 30, size: 2 ** 40 } }, 'disk warning'],
    ['with no room', { disk: { free: 2 ** 20, size: 2 ** 40 } }, 'disk failed'],
  ])('a machine %s', (_, more, state) => {
    expect(states({ ...good, ...more })).toContain(state)
  })

  test('a machine without a data folder is warned of, and not asked for its disk', () => {
    expect(states({ runtime: 'Deno 2.8.0', ignoresCertificates: false, hasNoFolder: true })).toEqual([
      'runtime ok',
      'data_folder warning',
    ])
  })

  test('a machine that knows nothing of its disk', () => {
    expect(states({ runtime: 'Deno 2.8.0', ignoresCertificates: false })).toEqual([
      'runtime ok',
      'disk not_checked',
    ])
  })

  const publicUrl = 'https://media.clinic-seven.org'
  test.each<[string, string | undefined, string | undefined, string[]]>([
    ['203.0.113.9', '203.0.113.0/24', publicUrl, ['ok']],
    ['127.0.0.1', '127.0.0.0/24', publicUrl, ['warning']],
    ['::1', '0:0:0::/48', publicUrl, ['warning']],
    [undefined as never, undefined, publicUrl, ['warning']],
    ['127.0.0.1', '127.0.0.0/24', 'http://127.0.0.1:8787', []],
  ])('a request from %s in %s to %s', (ip, prefix, url, expected) => {
    const network = { ip, prefix, asn: undefined, country: undefined }
    const found = runChecks('machine', NETWORK_CHECKS, { network, publicUrl: url })
    expect(found.map(({ state }) => state)).toEqual(expected)
  })
})

test('an error that may hold anything is a failure, and its message is not shown', async () => {
  const failure = await attempt(() => Promise.reject(new Error('key=SECRET')))
  expect(failure).toBeInstanceOf(Failure)
  expect(JSON.stringify(failure)).not.toContain('SECRET')
})
