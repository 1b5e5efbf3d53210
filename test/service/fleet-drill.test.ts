import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../support/command.ts'
import { createIssuer, variables } from '../support/gate-client.ts'
import { createPostgresServer, type PostgresServer } from '../support/postgres-server.ts'
import { r2OverS3, type S3Server } from '../support/s3-server.ts'
import { type Service, startService } from '../support/service.ts'
import { SinkServer } from '../support/sink-server.ts'

// The incident of 2020 at a fleet whose log is killed while the incident begins: the process that finds and alerts is gone, and
// another one has to go on.

let server: PostgresServer
let s3: S3Server
let pager: SinkServer
beforeAll(async () => {
  ;[server, s3, pager] = await Promise.all([createPostgresServer('npm'), r2OverS3(), SinkServer.start()])
})
afterAll(async () => {
  pager?.stop()
  await Promise.all([server?.remove(), s3?.stop()])
})

test.each(['deno', 'node'] as const)(
  'a drill at a fleet on %s passes while the log is killed',
  async runtime => {
    const idp = await createIssuer()
    const { endpoint, bucket, accessKeyId, secretAccessKey } = s3.bucket()
    const alert = { type: 'webhook', url: pager.url, secret: { secret: 'HOOK' }, allow_internal: true }
    const url = await server.createDatabase()
    const settings = {
      ...variables(idp),
      ...{ DATA_DIR: '', DATABASE_URL: url, ALLOW_NO_SPOOL: 'true', DRILLS: 'allow' },
      ...{ S3_ENDPOINT: endpoint, S3_BUCKET: bucket },
      ...{ S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey },
      ...{ ALERTS: JSON.stringify([alert]), HOOK: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
    }
    const gates: Service[] = []
    for (let i = 0; i < 2; i++) gates.push(await startService(runtime, '/nowhere', settings))
    const log = async () => {
      const [row] = await server.run(
        `SELECT application_name AS name FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND objid = 3 AND granted AND datname = '${new URL(url).pathname.slice(1)}'`,
      )
      return gates.find(({ pid }) => row?.name === `mediaward ${pid}`)
    }
    await expect.poll(log, { timeout: 10_000 }).toBeDefined()
    const killed = await log()
    const other = gates.find(one => one !== killed)

    const person = async (id: string) => ({ id, token: await idp.token(id, { sid: `${id}-session` }) })
    const tokens = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'tokens.json')
    const cast = {
      subjects: [await person('drill-1'), await person('drill-2'), await person('drill-3')],
      recorder: await idp.token('recorder-1', { roles: ['recorder'] }),
      analyst: await idp.token('analyst-1', { roles: ['security'] }),
    }
    writeFileSync(tokens, JSON.stringify(cast))
    const drill = start(['drill', 'babylon', '--url', other?.url ?? '', '--tokens', tokens, '--json'])
    const isOut = async () =>
      (await server.run(`SELECT FROM mediaward.event WHERE json LIKE '%"kind":"release"%'`, url)).length
    await expect.poll(isOut, { timeout: 60_000, interval: 10 }).toBeGreaterThan(0)
    killed?.kill('SIGKILL')
    const { code, stdout, stderr } = await drill.ended
    process.stderr.write(`fleet on ${runtime}: ${stdout}\n`)
    expect(code, stdout + stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ passed: true, foreign_bytes: 0 })
    expect(await log()).toBe(other)
    other?.kill('SIGTERM')
    expect(await other?.ended).toBe(0)
  },
)
