import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestIssuer, variables } from './gate-client.ts'
import { AUTHORITY } from './private-authority.ts'
import { type Service, startService } from './service.ts'

/** Starts a gate that sends its records to a syslog receiver on the loopback. */
export function startSyslogGate(
  runtime: 'deno' | 'node',
  idp: TestIssuer,
  url: string,
  trusts = true,
): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const authority = join(folder, 'authority.pem')
  writeFileSync(authority, AUTHORITY)
  return startService(runtime, join(folder, 'data'), {
    ...variables(idp),
    SINKS: JSON.stringify([{ type: 'syslog', url, allow_internal: true }]),
    ...(trusts && { NODE_EXTRA_CA_CERTS: authority, DENO_CERT: authority }),
  })
}
