import process from 'node:process'
import { createPostgresControl } from '../../src/runtime/postgres/control/postgres-control.ts'

// A machine of a fleet, in a process of its own: adds restrictions as fast as they are confirmed, several at once, and prints the
// epoch of each.

const { DATABASE_URL: url = '', WRITERS = '4' } = process.env
const control = createPostgresControl({ url }, Date.now)

async function add(): Promise<never> {
  for (;;) {
    const at = Date.now()
    const value = `rec-${process.pid}`
    const epoch = await control.add({ kind: 'lockdown', scope: 'recording', value, at, by: 'psn_analyst1' })
    process.stdout.write(`${epoch}\n`)
  }
}

await Promise.all(Array.from({ length: Number(WRITERS) }, add))
