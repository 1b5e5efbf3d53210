import { StorageFault } from '../../base/storage-fault.ts'
import { type Ledger, type LedgerEntry, parseCursor } from '../../ledger/ledger.ts'
import { pageOf, tableQueryOf } from '../../ledger/query/table-page.ts'
import type { LedgerNamespace, LogNamespace } from './bindings.ts'
import { GroupCommit } from './group-commit.ts'

/** The Durable Objects of a ledger. */
export interface LedgerObjects {
  readonly inboxes: LedgerNamespace
  readonly logs: LogNamespace
  /** How many inboxes the calls are spread over. It may be raised and lowered at any time. */
  readonly count: number
}

/**
 * Creates the ledger on Workers. Entries are durable in inboxes, as one Durable Object takes some thousand records a second.
 * The log, which is one object, pulls them.
 */
export function createCloudflareLedger({ inboxes, logs, count }: LedgerObjects): Ledger {
  const group = new GroupCommit()
  const logId = () => logs.idFromName('log')
  const inboxId = (index: number) => inboxes.idFromName(`ledger-${index}`)
  const send = async (entries: readonly LedgerEntry[]) => {
    // Any one: the log stores each id once. So what an inbox doesn't take goes to another one when it is sent again.
    const index = Math.floor(Math.random() * count)
    // A stub belongs to the request that made it.
    const inbox = inboxes.get(inboxId(index))
    await inbox.append(entries, `${logId()}`).catch(objectFailed(`ledger-${index}`))
  }
  return {
    append: entries => group.append(entries, send),

    appendAlone: send,

    async read(query) {
      const asked = tableQueryOf(query)
      const ids = Array.from({ length: count }, (_, index) => `${inboxId(index)}`)
      return pageOf(await logs.get(logId()).read(asked, ids).catch(objectFailed('log')))
    },

    count: query => logs.get(logId()).count(query).catch(objectFailed('log')),

    held: query => logs.get(logId()).held(query).catch(objectFailed('log')),

    archiveLag: () => logs.get(logId()).archiveLag().catch(objectFailed('log')),

    async lag() {
      const ages = Array.from({ length: count }, (_, index) =>
        inboxes
          .get(inboxId(index))
          .age()
          .catch(objectFailed(`ledger-${index}`)),
      )
      return Math.max(...(await Promise.all(ages)))
    },

    waitAfter: (cursor, milliseconds) =>
      logs
        .get(logId())
        .waitAfter(parseCursor(cursor) ?? 0, milliseconds)
        .catch(objectFailed('log')),
  }
}

/**
 * Says which object failed, for the operator. Of the error it takes over only that the object is overloaded or full, and
 * SQLite's code: the rest of the message may contain anything.
 */
export const objectFailed =
  (name: string): ((error: unknown) => never) =>
  (error: unknown): never => {
    const { overloaded, message } = Object(error) as { overloaded?: unknown; message?: unknown }
    const [code] = /\bSQLITE_[A-Z]{2,16}\b|\binbox is full$/.exec(`${message}`) ?? []
    const why = overloaded === true ? ' (overloaded)' : code === undefined ? '' : ` (${code})`
    throw new StorageFault(`the Durable Object "${name}" failed${why}`)
  }
