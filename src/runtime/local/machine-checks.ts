import { type Checks, failed, notChecked, ok, warning } from '../../doctor/finding.ts'

/** What a runtime on one machine knows of itself. Each member that it can't find out is absent. */
export interface MachineFacts {
  /** The runtime and its version, as in `Node 24.21.0`. */
  readonly runtime: string
  /** Whether the gate runs without a data folder. */
  readonly hasNoFolder?: boolean
  /** What other users of the machine can do in the data folder. */
  readonly others?: 'nothing' | 'read' | 'write'
  /** The kind of file system that the data folder is on, if it is one of a network, as in `NFS`. */
  readonly networkFileSystem?: string
  /** The space of the disk, in bytes. */
  readonly disk?: { readonly free: number; readonly size: number }
  /** Whether the runtime doesn't check certificates (`NODE_TLS_REJECT_UNAUTHORIZED=0`). */
  readonly ignoresCertificates: boolean
}

const GIB = 2 ** 30
const LOW = 5 * GIB
const TOO_LOW = GIB / 4

/** Whether one machine is fit to keep what the gate keeps on it. */
export const MACHINE_CHECKS: Checks<MachineFacts> = {
  /** The runtime checks certificates. */
  runtime({ runtime, ignoresCertificates }) {
    return ignoresCertificates
      ? failed(
          `${runtime} checks no certificates: a network on the way can replace the keys of issuers`,
          'remove NODE_TLS_REJECT_UNAUTHORIZED, and name your own authority in NODE_EXTRA_CA_CERTS',
        )
      : ok(`the gate runs on ${runtime}`)
  },

  /** The data folder belongs to the gate's user alone, and is on a local disk. */
  data_folder({ others, networkFileSystem, hasNoFolder }) {
    if (hasNoFolder) {
      return warning(
        'there is no DATA_DIR: while the database is down, every request is refused',
        'set it if this machine has a disk of its own',
      )
    }
    if (networkFileSystem !== undefined) {
      return warning(
        `DATA_DIR is on a network file system (${networkFileSystem}), which may confirm what it never stored`,
        'put it on a local disk',
      )
    }
    if (others === undefined) return []
    if (others === 'nothing') return ok('DATA_DIR belongs to the user of the gate alone')
    const fix = 'give it to the user of the gate, and run "chmod 700" on it'
    return others === 'write'
      ? failed('other users of the machine can write to DATA_DIR, and so give recordings away', fix)
      : warning('other users of the machine can list DATA_DIR', fix)
  },

  /** The disk has room. */
  disk({ disk, hasNoFolder }) {
    if (hasNoFolder) return []
    if (disk === undefined) {
      return notChecked('the space on the disk of DATA_DIR is not known', 'on Deno, add --allow-sys=statfs')
    }
    const found = `${inGib(disk.free)} of ${inGib(disk.size)} GiB are free on the disk of DATA_DIR`
    if (disk.free >= LOW) return ok(found)
    const report = disk.free < TOO_LOW ? failed : warning
    return report(`${found}: on a full disk the gate refuses every request`, 'make room')
  },
}

const inGib = (bytes: number): string => (bytes / GIB).toFixed(1)
