import { type AddressInfo, createServer } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type DatabaseOptions, databaseOf } from '../../../../src/runtime/postgres/options.ts'
import { Session } from '../../../../src/runtime/postgres/session.ts'
import { createPostgresServer, type PostgresServer } from '../../../support/postgres-server.ts'
import { AUTHORITY } from '../../../support/private-authority.ts'
import { startTcpProxy } from '../../../support/tcp-proxy.ts'

// Whether the certificate of a database is checked. The one of the tests is for localhost and 127.0.0.1.

let server: PostgresServer
let plain: PostgresServer
let url: string
const own = getCACertificates('default')

beforeAll(async () => {
  server = await createPostgresServer('npm', { hasTls: true })
  plain = await createPostgresServer('npm')
  url = await server.createDatabase()
}, 60_000)
afterEach(() => setDefaultCACertificates(own))
afterAll(async () => {
  await server?.remove()
  await plain?.remove()
})

/** Connects, and returns whether the connection uses TLS, or why there is none. */
async function connect(options: DatabaseOptions): Promise<unknown> {
  const session = new Session(databaseOf(options), { deadline: 5_000 })
  try {
    const [row] = await session.query<{ ssl: boolean }>(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    )
    return row?.ssl
  } catch (error) {
    return (error as Error).message
  } finally {
    session.close()
  }
}

test('a database whose certificate is of an unknown authority is not used, unless that is allowed', async () => {
  for (const mode of ['verify-full', 'require']) {
    expect(await connect({ url: `${url}?sslmode=${mode}` })).toBe(
      "PostgreSQL can't be reached (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
    )
  }
  expect(await connect({ url: `${url}?sslmode=require`, allowUnverified: true })).toBe(true)
})

test('a database whose certificate is of a known authority is used, if it is for this host', async () => {
  setDefaultCACertificates([AUTHORITY])
  expect(await connect({ url: `${url}?sslmode=verify-full` })).toBe(true)
  expect(await connect({ url: `${url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full` })).toBe(true)
  const proxy = await startTcpProxy(server.port, '127.0.0.2')
  const other = url.replace(/127\.0\.0\.1:\d+/, `127.0.0.2:${proxy.port}`)
  expect(await connect({ url: `${other}?sslmode=verify-full` })).toBe(
    "PostgreSQL can't be reached (ERR_TLS_CERT_ALTNAME_INVALID)",
  )
  await proxy.stop()
})

test('a database that speaks no TLS is not used if TLS is required', async () => {
  setDefaultCACertificates([AUTHORITY])
  const without = await plain.createDatabase()
  expect(await connect({ url: `${without}?sslmode=verify-full` })).toBe('PostgreSQL offers no TLS')
  expect(await connect({ url: without })).toBe(false)
})

test('bytes that are put in before TLS begins are not read', async () => {
  const server = createServer(socket => socket.once('data', () => socket.write('SE')).on('error', () => {}))
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const message = await connect({ url: `postgres://clinic:x@127.0.0.1:${port}/x?sslmode=verify-full` })
  expect(message).toBe('PostgreSQL offers no TLS')
  server.close()
})
