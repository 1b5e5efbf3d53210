import { join } from 'node:path'
// Those of Deno itself have no `unref` in 2.5.
import { clearInterval, setInterval } from 'node:timers'
import { logFault } from '../../base/storage-fault.ts'
import { checkTable } from '../../config/check-options.ts'
import { ConfigurationError, type MediawardOptions } from '../../config/options.ts'
import { type SpooledLedger, withSpool } from '../../ledger/spool.ts'
import { createFolderStore } from '../folder/folder-store.ts'
import { createS3Store, type S3Options } from '../s3/store.ts'
import { createSqliteLedger } from '../sqlite/sqlite-ledger.ts'
import { createSqliteSpool } from '../sqlite/sqlite-spool.ts'
import { lockDataFolder } from './data-folder.ts'
import { LOCAL_OPTIONS } from './local-variables.ts'
import { networkOf } from './network.ts'

/** How often records come back from the spool, in milliseconds. */
const REPLAY_EVERY = 60_000

/** What one machine keeps for the gate, and where. */
export interface LocalOptions {
  /**
   * A folder of this process alone, on a local disk: the ledger, records that wait for it, and, unless they are in S3,
   * the recordings.
   */
  readonly data: string
  /** The recordings are in this S3-compatible store instead of `data`. */
  readonly s3?: S3Options
  /**
   * The header in which the proxy in front says where a request came from, such as `X-Real-IP`. Without a proxy that
   * sets it, any client could write any address into the log. Default: the address of the connection.
   */
  readonly addressHeader?: string
}

/** The options that follow from running on one machine. */
export interface Local extends Required<Pick<MediawardOptions, 'store' | 'network'>> {
  readonly ledger: SpooledLedger
  /** Writes what waits and gives the folder back. A gate that is made with it calls it at its own `close()`. */
  close(): void
}

/**
 * Store, ledger and network facts on one machine, for Deno and Node alike:
 * `const gate = mediaward({ …, ...local({ data: '/var/lib/mediaward' }) })`, and `await gate.close()` at the end.
 *
 * @throws ConfigurationError if another process has the folder, or it can't be used
 */
export function local(options: LocalOptions): Local {
  checkTable(LOCAL_OPTIONS, options)
  const { data, s3, addressHeader } = options
  const unlock = lockDataFolder(data)
  try {
    const file = createSqliteLedger(join(data, 'ledger.sqlite'))
    const spool = createSqliteSpool(join(data, 'overflow.sqlite'))
    const ledger = withSpool(file, spool)
    const store = s3 === undefined ? createFolderStore(join(data, 'recordings')) : createS3Store(s3)
    const replay = () =>
      void ledger.replay().catch((error: unknown) => {
        // A replay that the end of the process cuts short is taken up at the next start.
        if (!isClosed)
          logFault("records wait in the spool, and can't be brought back", error, 'SQLite failed')
      })
    let isClosed = false
    const timer = setInterval(replay, REPLAY_EVERY)
    // A timer is no reason for a process to stay.
    timer.unref()
    replay()
    return {
      store,
      ledger,
      network: networkOf(addressHeader),
      close() {
        isClosed = true
        clearInterval(timer)
        file.close()
        spool.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw new ConfigurationError([
      `DATA_DIR (${data}) can't be used: ${error instanceof Error ? error.message : 'unknown error'}`,
    ])
  }
}
