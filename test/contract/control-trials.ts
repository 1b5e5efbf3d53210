import { join } from 'node:path'
import { createMemoryControl } from '../../src/runtime/memory/index.ts'
import { createSqliteControl, type SqliteControl } from '../../src/runtime/sqlite/control/sqlite-control.ts'
import type { ControlTrial } from './control.ts'

/** Does a trial with restrictions in a file of SQLite, which only one process has. */
export async function withControlFile(
  folder: string,
  work: (trial: ControlTrial) => Promise<void>,
): Promise<void> {
  let time = Date.UTC(2026, 10, 27)
  const create = () => createSqliteControl(join(folder, 'control.sqlite'), () => time)
  let control: SqliteControl = create()
  await work({
    open: () => control,
    restart() {
      control.close()
      control = create()
      return control
    },
    pass(milliseconds) {
      time += milliseconds
    },
    now: () => time,
  })
  control.close()
}

/** Does a trial with restrictions in memory, where a restart loses all: there is none. */
export async function withMemoryControl(work: (trial: ControlTrial) => Promise<void>): Promise<void> {
  let time = Date.UTC(2026, 10, 27)
  const control = createMemoryControl(() => time)
  await work({
    open: () => control,
    restart: () => control,
    pass(milliseconds) {
      time += milliseconds
    },
    now: () => time,
  })
}
