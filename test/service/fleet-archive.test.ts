import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { local } from '../../src/runtime/local/index.ts'
import { createArchiveBucket } from '../../src/runtime/s3/archive-bucket.ts'
import type { RunningGate } from '../support/gate.ts'
import { createIssuer, denials, variables } from '../support/gate-client.ts'
import { createPostgresServer, type PostgresServer } from '../support/postgres-server.ts'
import { r2OverS3, type S3Server } from '../support/s3-server.ts'
import { startService } from '../support/service.ts'

// A fleet as it is deployed, with a bucket for the archive of its log.

let database: PostgresServer
let store: S3Server
beforeAll(async () => {
  ;[database, store] = await Promise.all([createPostgresServer('npm'), r2OverS3()])
})
afterAll(() => Promise.all([database?.remove(), store?.stop()]))

test('the machine that is the log archives what any of them recorded, and each of them says how far the archive is', async () => {
  const idp = await createIssuer()
  const recordings = store.bucket()
  const audit = { ...recordings, bucket: store.bucket().bucket }
  const settings = {
    ...variables(idp),
    DATA_DIR: '',
    DATABASE_URL: await database.createDatabase(),
    ALLOW_NO_SPOOL: 'true',
    S3_ENDPOINT: recordings.endpoint,
    S3_BUCKET: recordings.bucket,
    S3_ACCESS_KEY_ID: recordings.accessKeyId,
    S3_SECRET_ACCESS_KEY: recordings.secretAccessKey,
    S3_AUDIT_BUCKET: audit.bucket,
    LOG_DAYS: '30',
  }
  const gates = await Promise.all(
    (['deno', 'node'] as const).map(runtime => startService(runtime, '/nowhere', settings)),
  )
  const archive = createArchiveBucket(audit)
  // The first record is archived at once.
  expect((await fetch(`${gates[0]?.url}/recordings/rec-1`)).status).toBe(401)
  const segment = 'archive/0000000000000000.ndjson.gz'
  await expect.poll(() => archive.read(segment), { timeout: 15_000 }).toBeDefined()
  const bytes = (await archive.read(segment)) ?? new Uint8Array()
  for (const { url } of gates) {
    const [denial] = await denials({ url } as RunningGate, idp)
    expect(`${gunzipSync(bytes)}`).toContain(`"id":"${denial?.id}"`)
    const headers = await idp.bearer('operator', { roles: ['security'] })
    const metrics = await (await fetch(`${url}/console/api/metrics`, { headers })).text()
    expect(metrics).toContain('mediaward_archive_lag_seconds')
  }
  for (const gate of gates) gate.kill('SIGTERM')
  expect(await Promise.all(gates.map(({ ended }) => ended))).toEqual([0, 0])
})

test('limits of a fleet without a bucket for the archive are a mistake, since it would remove no record', () => {
  const s3 = { ...store.bucket() }
  const database = { url: 'postgres://gate:secret@127.0.0.1:5432/gate', allowNoSpool: true }
  expect(() => local({ s3, database, keep: { days: 30 } })).toThrow(/need S3_AUDIT_BUCKET with DATABASE_URL/)
})
