/**
 * What a runtime on one machine knows of itself. Each member that it can't find out is absent.
 */
export interface MachineFacts {
  /** The runtime and its version, as in `Node 24.21.0`. */
  readonly runtime: string
  /** What other users of the machine can do in the data folder. */
  readonly others?: 'nothing' | 'read' | 'write'
  /** The kind of file system that the data folder is on, if it is one of a network, as in `NFS`. */
  readonly networkFileSystem?: string
  /** The space of the disk, in bytes. */
  readonly disk?: { readonly free: number; readonly size: number }
  /** Whether the runtime doesn't check certificates (`NODE_TLS_REJECT_UNAUTHORIZED=0`). */
  readonly ignoresCertificates: boolean
}
