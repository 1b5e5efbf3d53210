import worker, { ControlObject, LedgerObject, LogObject } from '../../src/runtime/cloudflare/worker.ts'

// The worker that is deployed, with meters for what Cloudflare bills: calls of Durable Objects, the time that they are at
// work, rows, alarms and operations of R2. Nothing of the worker is changed: the meters wrap what the platform gives it. The
// worker and its objects share an isolate here, and so these counts. `npm run costs` reads them.

export { ControlObject, LedgerObject, LogObject }

const counts = new Map<string, number>()
const count = (name: string, amount = 1) => counts.set(name, (counts.get(name) ?? 0) + amount)

/** When an object is at work: from the first of the calls under way to the end of the last. */
class Activity {
  readonly #name: string
  #underWay = 0
  #since = 0

  constructor(name: string) {
    this.#name = name
  }

  async during<Result>(work: () => Result): Promise<Awaited<Result>> {
    this.#underWay += 1
    if (this.#underWay === 1) this.#since = Date.now()
    try {
      return await work()
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) count(`${this.#name} active ms`, Date.now() - this.#since)
    }
  }
}

const activities = new Map<string, Activity>()

function activityOf(name: string, id: string): Activity {
  const activity = activities.get(id) ?? new Activity(name)
  activities.set(id, activity)
  return activity
}

type Method = (this: { ctx: DurableObjectState }, ...parameters: unknown[]) => unknown

/** Counts the calls of a class of objects. An inbox is at work, too, while it waits for the log to pull. */
function meterObject(name: string, prototype: object): void {
  const methods = prototype as Record<string, Method>
  for (const method of Object.getOwnPropertyNames(prototype).filter(one => one !== 'constructor')) {
    const original = methods[method]
    if (original === undefined) continue
    methods[method] = async function (...parameters) {
      meterStorage(this.ctx.storage)
      count(`${name} requests`)
      const call = () => activityOf(name, `${this.ctx.id}`).during(() => original.apply(this, parameters))
      return method === 'pull' ? activityOf('LedgerObject', `${parameters[0]}`).during(call) : call()
    }
  }
}

meterObject('LedgerObject', LedgerObject.prototype)
meterObject('LogObject', LogObject.prototype)
meterObject('ControlObject', ControlObject.prototype)

let isStorageMetered = false

/** Counts rows by statement and table, and alarms, of all objects: they share their prototypes. */
function meterStorage(storage: DurableObjectStorage): void {
  if (isStorageMetered) return
  isStorageMetered = true
  const sql = Object.getPrototypeOf(storage.sql) as { exec: (...parameters: unknown[]) => Cursor }
  const { exec } = sql
  sql.exec = function (...parameters) {
    const cursor = exec.apply(this, parameters)
    const [, verb, table] =
      /^\s*(INSERT|DELETE|UPDATE)\b\s*(?:INTO|FROM)?\s+(\w+)/.exec(`${parameters[0]}`) ?? []
    return {
      get rowsWritten() {
        return cursor.rowsWritten
      },
      get rowsRead() {
        return cursor.rowsRead
      },
      toArray: () => {
        const rows = cursor.toArray()
        count('rows read', cursor.rowsRead)
        if (verb !== undefined) {
          count(`${verb} ${table} rows`, cursor.rowsWritten)
          count(`${verb} ${table} times`)
        }
        // Of one statement that stores many.
        if (verb === 'INSERT' && table === 'event') {
          const [row] = exec.call(this, 'SELECT changes() AS changed').toArray() as { changed: number }[]
          count('records', row?.changed ?? 0)
        }
        return rows
      },
    }
  }
  const state = Object.getPrototypeOf(storage) as { setAlarm: (...parameters: unknown[]) => unknown }
  const { setAlarm } = state
  state.setAlarm = function (...parameters) {
    count('alarms set')
    return setAlarm.apply(this, parameters)
  }
}

interface Cursor {
  toArray(): unknown[]
  readonly rowsRead: number
  readonly rowsWritten: number
}

/** Removes all records with all that leads to them, as pruning does, and what is known of the ids of sums. */
Object.assign(LogObject.prototype, {
  clear(this: { ctx: DurableObjectState }): number {
    const { sql } = this.ctx.storage
    const size = sql.databaseSize
    // A condition, as SQLite truncates a table without one, and counts no rows.
    sql.exec('DELETE FROM event_term WHERE block >= 0').toArray()
    sql.exec('DELETE FROM event WHERE place > 0').toArray()
    sql.exec('DELETE FROM held_id WHERE came > 0').toArray()
    return size
  },
})

const OPERATIONS = { get: 'B', head: 'B', put: 'A', list: 'A', delete: 'free' } as const
let isBucketMetered = false

function meterBucket(bucket: R2Bucket): void {
  if (isBucketMetered) return
  isBucketMetered = true
  const methods = Object.getPrototypeOf(bucket) as Record<string, (...parameters: unknown[]) => unknown>
  for (const [method, kind] of Object.entries(OPERATIONS)) {
    const original = methods[method]
    methods[method] = function (...parameters) {
      count(`R2 class ${kind}`)
      return original?.apply(this, parameters)
    }
  }
}

interface Bindings {
  readonly RECORDINGS: R2Bucket
  readonly LOG: DurableObjectNamespace
}

export default {
  async fetch(request: Request, env: Bindings, context: ExecutionContext): Promise<Response> {
    meterBucket(env.RECORDINGS)
    switch (new URL(request.url).pathname) {
      case '/metered':
        return Response.json(Object.fromEntries(counts))
      case '/metered/scheduled':
        count('worker requests')
        await worker.scheduled()
        return new Response()
      case '/metered/clear': {
        const log = env.LOG.get(env.LOG.idFromName('log')) as unknown as { clear(): Promise<number> }
        return Response.json({ size: await log.clear() })
      }
      default:
        count('worker requests')
        return worker.fetch(request, env, context)
    }
  },
}
