import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createIssuer, type TestIssuer } from '../support/gate-client.ts'
import { AUTHORITY, CERTIFICATE, CERTIFICATE_KEY } from '../support/private-authority.ts'
import { startSyslogGate } from '../support/syslog-gate.ts'

// rsyslog as Debian packages it, with TLS: what the gate sends must be what it writes into its file.

const PORT = 20_000 + Math.floor(Math.random() * 10_000)
const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
const received = join(folder, 'received.log')
let rsyslog: ChildProcess
let idp: TestIssuer
let said = ''

function startRsyslog(): ChildProcess {
  const daemon = spawn('rsyslogd', ['-n', '-i', 'NONE', '-f', join(folder, 'rsyslog.conf')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [daemon.stdout, daemon.stderr])
    stream?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return daemon
}

beforeAll(async () => {
  idp = await createIssuer()
  for (const [name, pem] of Object.entries({
    'ca.pem': AUTHORITY,
    'cert.pem': CERTIFICATE,
    'key.pem': CERTIFICATE_KEY,
  })) {
    writeFileSync(join(folder, name), pem)
  }
  writeFileSync(
    join(folder, 'rsyslog.conf'),
    `global(workDirectory="${folder}" defaultNetstreamDriver="ossl" maxMessageSize="64k"
  defaultNetstreamDriverCAFile="${folder}/ca.pem" defaultNetstreamDriverCertFile="${folder}/cert.pem"
  defaultNetstreamDriverKeyFile="${folder}/key.pem")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="plain" type="string" string="%pri%|%app-name%|%msgid%|%msg%\\n")
input(type="imtcp" port="${PORT}")
action(type="omfile" file="${received}" template="plain" asyncWriting="off")
`,
  )
  rsyslog = startRsyslog()
})
afterAll(() => rsyslog.kill())

/** The lines of refusals. A gate also records that it has traffic. */
const lines = () =>
  (existsSync(received) ? readFileSync(received, 'utf8') : '')
    .split('\n')
    .filter(line => line.includes('|Mediaward|recording_unknown|'))
const idIn = (line: string) => /externalId=(\S+)/.exec(line)?.[1]

test.each(['node', 'deno'] as const)(
  'rsyslog receives every record of a gate on %s over TLS, in order',
  async runtime => {
    const before = lines().length
    const gate = await startSyslogGate(runtime, idp, `tls://localhost:${PORT}`)
    try {
      const ids: string[] = []
      for (let i = 0; i < 30; i++) {
        const response = await fetch(`${gate.url}/recordings/rec-${i}`, {
          headers: await idp.bearer('patient-007'),
        })
        ids.push(((await response.json()) as { instance: string }).instance.slice(9))
      }
      await vi
        .waitFor(() => expect(lines().slice(before).map(idIn)).toEqual(ids), {
          timeout: 20_000,
          interval: 100,
        })
        .catch(error => {
          throw new Error(`${gate.said()}\n${said}`, { cause: error })
        })
      expect(lines().at(-1)).toMatch(/^108\|Mediaward\|recording_unknown\|\s?CEF:0\|Mediaward\|Mediaward\|/)
    } finally {
      gate.kill('SIGTERM')
      await gate.ended
    }
  },
)

test('what was recorded while rsyslog was down arrives when it is back', async () => {
  rsyslog.kill('SIGKILL')
  await new Promise(resolve => rsyslog.once('close', resolve))
  const before = lines().length
  const gate = await startSyslogGate('node', idp, `tls://127.0.0.1:${PORT}`)
  try {
    const response = await fetch(`${gate.url}/recordings/rec-late`, {
      headers: await idp.bearer('patient-007'),
    })
    const id = ((await response.json()) as { instance: string }).instance.slice(9)
    await vi.waitFor(() => expect(gate.said()).toContain('is not taking records'), { timeout: 10_000 })
    rsyslog = startRsyslog()
    await vi.waitFor(() => expect(lines().slice(before).map(idIn)).toEqual([id]), { timeout: 30_000 })
  } finally {
    gate.kill('SIGTERM')
    await gate.ended
  }
})

test.each(['node', 'deno'] as const)(
  'a receiver whose certificate is not trusted gets nothing from a gate on %s',
  async runtime => {
    const before = lines().length
    const gate = await startSyslogGate(runtime, idp, `tls://localhost:${PORT}`, false)
    try {
      await fetch(`${gate.url}/recordings/rec-none`, { headers: await idp.bearer('patient-007') })
      await vi.waitFor(() => expect(gate.said()).toMatch(/is not taking records.*no connection over TLS/), {
        timeout: 15_000,
      })
      expect(lines().length).toBe(before)
    } finally {
      gate.kill('SIGTERM')
      await gate.ended
    }
  },
)
