import { statfsSync, statSync } from 'node:fs'
import process from 'node:process'
import { type Finding, runChecks } from '../../doctor/finding.ts'
import { MACHINE_CHECKS, type MachineFacts } from './machine-checks.ts'

/** File systems of networks, by the numbers that Linux gives them (statfs(2)). */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x00c36400, 'Ceph'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x5346414f, 'AFS'],
])

/** Creates a function that examines this machine, and its data folder if any, for `mediaward doctor`. */
export function createInspection(data: string | undefined): () => Promise<readonly Finding[]> {
  return async () =>
    runChecks('machine', MACHINE_CHECKS, {
      runtime: runtimeName(),
      ignoresCertificates: process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0',
      ...(data === undefined ? { hasNoFolder: true } : folderFacts(data)),
    })
}

function folderFacts(data: string): Partial<MachineFacts> {
  return {
    // Windows has no such bits.
    ...(process.platform !== 'win32' && { others: rightsOfOthers(statSync(data).mode) }),
    ...diskOf(data),
  }
}

function rightsOfOthers(mode: number): 'nothing' | 'read' | 'write' {
  if ((mode & 0o022) !== 0) return 'write'
  return (mode & 0o055) === 0 ? 'nothing' : 'read'
}

function runtimeName(): string {
  const { deno, node } = process.versions
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`
}

function diskOf(data: string): Pick<MachineFacts, 'disk' | 'networkFileSystem'> {
  if (!mayLook()) return {}
  const { type, bsize, blocks, bavail } = statfsSync(data)
  const network = process.platform === 'linux' ? NETWORK_FILE_SYSTEMS.get(type >>> 0) : undefined
  return {
    disk: { free: bavail * bsize, size: blocks * bsize },
    ...(network !== undefined && { networkFileSystem: network }),
  }
}

/** The part of Deno's global that says what the process may do. */
interface DenoPermissions {
  readonly permissions: { querySync(asked: object): { readonly state: string } }
}

/** Whether the process may look at disks. On a terminal, Deno would ask its user in the middle of a request. */
function mayLook(): boolean {
  const { Deno } = globalThis as { readonly Deno?: DenoPermissions }
  return Deno === undefined || Deno.permissions.querySync({ name: 'sys', kind: 'statfs' }).state === 'granted'
}
