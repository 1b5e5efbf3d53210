import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { ConfigurationError, StorageFault } from '../../../../src/index.ts'
import { eventId } from '../../../../src/ledger/event-id.ts'
import { lockDataFolder } from '../../../../src/runtime/local/data-folder.ts'
import { createSqliteLedger, createSqliteSpool, local } from '../../../../src/runtime/local/index.ts'
import { openSqlite } from '../../../../src/runtime/sqlite/sqlite-file.ts'

// The ledger of one machine where it is hurt: locks, damage, a full disk, and two gates on one folder.

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'mediaward-'))
/** Which files of a folder this process has open. */
const openFiles = (folder: string): string[] =>
  readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)].filter(path => path.startsWith(folder))
    } catch {
      // The list was open itself.
      return []
    }
  })
const entry = (id: string = eventId(Date.now())) => ({
  id,
  json: `{"id":"${id}","t":"2026-11-23T00:00:00.000Z"}`,
})

test('a ledger is a file in WAL mode that any SQLite can read while it is open', async () => {
  const file = join(newFolder(), 'ledger.sqlite')
  const ledger = createSqliteLedger(file)
  const entries = Array.from({ length: 50 }, () => entry())
  await Promise.all(entries.map(one => ledger.append([one])))
  // Another reader, while the ledger has it open.
  const other = new DatabaseSync(file, { readOnly: true })
  expect(other.prepare('SELECT count(*) AS n FROM event').get()).toEqual({ n: 50 })
  expect(other.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  other.close()
  ledger.close()
})

test('a file is refused with a remedy if SQLite can keep no write-ahead log there', () => {
  const folder = newFolder()
  const path = pathToFileURL(join(folder, 'file.sqlite'))
  // A file system without shared memory, as SQLite sees one.
  path.search = '?vfs=unix-none'
  const open = () => openSqlite(path as unknown as string)
  expect(open).toThrow(StorageFault)
  expect(open).toThrow(/no write-ahead log there.*: put the data on a local disk/)
  if (process.platform === 'linux') expect(openFiles(folder)).toEqual([])
})

test('a commit returns only when the disk has it: the file is in WAL mode, with synchronous FULL', () => {
  const file = openSqlite(join(newFolder(), 'file.sqlite'))
  expect(file.sql('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }])
  // 2 is FULL.
  expect(file.sql('PRAGMA synchronous')).toEqual([{ synchronous: 2 }])
  file.close()
})

test('closing a ledger writes what waits', async () => {
  const file = join(newFolder(), 'ledger.sqlite')
  const ledger = createSqliteLedger(file)
  const recorded = ledger.append([entry('a')])
  ledger.close()
  await recorded
  const again = createSqliteLedger(file)
  expect((await again.read({ limit: 10 })).entries).toEqual([{ ...entry('a'), index: 0 }])
  again.close()
})

test('a read of many records lets the process do other work, and does not see what is appended meanwhile', async () => {
  const ledger = createSqliteLedger(join(newFolder(), 'ledger.sqlite'))
  const entries = Array.from({ length: 1000 }, () => entry())
  await ledger.append(entries)
  let isReading = true
  let turns = 0
  const other = (async () => {
    while (isReading) {
      await ledger.append([entry()])
      turns += 1
    }
  })()
  const page = await ledger.read({ limit: 1000, since: '2026-11-23T00:00:00.000Z' })
  isReading = false
  await other
  expect(turns).toBeGreaterThan(3)
  expect(page.entries.map(({ id }) => id)).toEqual(entries.map(({ id }) => id))
  const next = await ledger.read({ limit: 1000, after: page.cursor })
  expect(next.entries).toHaveLength(turns)
  ledger.close()
})

test('a batch that fails in the middle fails as a whole, and the next one is written', async () => {
  const file = openSqlite(join(newFolder(), 'file.sqlite'))
  file.sql('CREATE TABLE t (n INTEGER)')
  const insert = (n: number) => () => void file.sql('INSERT INTO t VALUES (?)', n)
  const batch = [insert(1), () => void file.sql('INSERT INTO nowhere VALUES (1)'), insert(2)]
  const results = await Promise.allSettled(batch.map(work => file.write(work)))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  await file.write(insert(3))
  expect(file.sql('SELECT n FROM t')).toEqual([{ n: 3 }])
  file.close()
})

test('an append to a locked ledger rejects and stores nothing, and a later one is stored after the lock', async () => {
  const file = join(newFolder(), 'ledger.sqlite')
  const ledger = createSqliteLedger(file)
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  const attempts = await Promise.allSettled([entry('a'), entry('b')].map(one => ledger.append([one])))
  expect(attempts.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  other.exec('ROLLBACK')
  other.close()
  await ledger.append([entry('c')])
  expect((await ledger.read({ limit: 10 })).entries.map(({ id }) => id)).toEqual(['c'])
  ledger.close()
})

describe('data folder', () => {
  test('no record is lost while the ledger is locked, as the spool keeps it and a replay brings it back', async () => {
    const data = newFolder()
    const { ledger, close } = local({ data })
    const other = new DatabaseSync(join(data, 'ledger.sqlite'))
    other.exec('BEGIN IMMEDIATE')
    await Promise.all(['a', 'b', 'c'].map(id => ledger.append([entry(id)])))
    other.exec('ROLLBACK')
    other.close()
    // Reading never writes.
    expect((await ledger.read({ limit: 10 })).entries).toEqual([])
    expect([await ledger.replay(), await ledger.replay()]).toEqual([3, 0])
    expect((await ledger.read({ limit: 10 })).entries.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    close()
  })

  test('a gate that starts brings back all that waits in its spool, however much', async () => {
    const data = newFolder()
    const spool = createSqliteSpool(join(data, 'overflow.sqlite'))
    await Promise.all(Array.from({ length: 1_500 }, () => spool.keep(entry())))
    const { ledger, close } = local({ data })
    await vi.waitFor(async () => expect(await spool.waiting(1)).toEqual([]), { timeout: 20_000 })
    const { entries, cursor } = await ledger.read({ limit: 1000 })
    const { entries: others } = await ledger.read({ limit: 1000, after: cursor })
    expect(entries.length + others.length).toBe(1_500)
    close()
    spool.close()
  })

  test('the operator reads why records can not be brought back, once for each replay', async () => {
    const said = vi.spyOn(console, 'error').mockReturnValue()
    const data = newFolder()
    createSqliteLedger(join(data, 'ledger.sqlite')).close()
    const spool = createSqliteSpool(join(data, 'overflow.sqlite'))
    await Promise.all(Array.from({ length: 150 }, () => spool.keep(entry())))
    const { ledger, close } = local({ data })
    const other = new DatabaseSync(join(data, 'ledger.sqlite'))
    other.exec('BEGIN IMMEDIATE')
    await vi.waitFor(() => expect(said).toHaveBeenCalled(), { timeout: 20_000 })
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(said.mock.calls).toEqual([
      [
        "mediaward: records wait in the spool, and can't be brought back: SQLite did not write (database is locked)",
      ],
    ])
    other.exec('ROLLBACK')
    other.close()
    expect(await ledger.replay()).toBe(150)
    close()
    spool.close()
    said.mockRestore()
  })

  test('a data folder is used by one gate at a time, in this process or another', async () => {
    const data = newFolder()
    const first = local({ data })
    expect(() => local({ data })).toThrow(/in use by another process: stop it/)
    const script = `
      import { local } from './src/runtime/local/index.ts'
      try { local({ data: ${JSON.stringify(data)} }); console.log('taken twice') } catch (error) { console.log(error.message) }`
    const args = ['--input-type=module-typescript', '-e', script]
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toMatch(/in use by another process/)
    first.close()
    local({ data }).close()
  })

  test('a data folder can be used again after its process was killed', async () => {
    const data = newFolder()
    const script = `
      import { lockDataFolder } from './src/runtime/local/data-folder.ts'
      lockDataFolder(${JSON.stringify(data)}); console.log('locked'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script])
    await new Promise(resolve => child.stdout.once('data', resolve))
    expect(() => lockDataFolder(data)).toThrow(ConfigurationError)
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
    lockDataFolder(data)()
  })

  test('a data folder whose ledger is not a database is refused, and its lock is given back', () => {
    const data = newFolder()
    writeFileSync(join(data, 'ledger.sqlite'), 'this is no database, and long enough to show it: '.repeat(40))
    expect(() => local({ data })).toThrow(/DATA_DIR .* can't be used: file is not a database/)
    // The lock was given back.
    lockDataFolder(data)()
  })

  test.runIf(process.platform === 'linux')(
    'a data folder that is refused has no file open, whichever of its files is damaged',
    () => {
      for (const name of ['ledger.sqlite', 'overflow.sqlite', 'recordings']) {
        const data = newFolder()
        writeFileSync(join(data, name), 'this is no database, and long enough to show it: '.repeat(40))
        expect(() => local({ data })).toThrow(ConfigurationError)
        expect([name, openFiles(data)]).toEqual([name, []])
      }
    },
  )

  test.runIf(process.platform === 'linux')(
    'a ledger or a spool that cannot be set up closes its file',
    () => {
      for (const create of [createSqliteLedger, createSqliteSpool]) {
        const data = newFolder()
        const file = join(data, 'other.sqlite')
        const other = new DatabaseSync(file)
        other.exec('PRAGMA journal_mode = WAL; CREATE VIEW event AS SELECT 1; BEGIN IMMEDIATE')
        expect(() => create(file)).toThrow('database is locked')
        other.close()
        expect(openFiles(data)).toEqual([])
      }
    },
  )

  test('closing a data folder twice does nothing the second time, and the folder can be used again', () => {
    const data = newFolder()
    const first = local({ data })
    first.close()
    const second = local({ data })
    first.close()
    expect(() => local({ data })).toThrow(/in use/)
    second.close()
  })

  test('a data folder is given back even if one of its files is closed already', () => {
    const data = newFolder()
    const first = local({ data })
    const close = vi.spyOn(DatabaseSync.prototype, 'close').mockImplementationOnce(() => {
      throw new Error('database is not open')
    })
    expect(() => first.close()).toThrow('database is not open')
    close.mockRestore()
    local({ data }).close()
  })

  test('a data folder that cannot be written is refused with a remedy', () => {
    const file = join(newFolder(), 'file')
    writeFileSync(file, '')
    expect(() => local({ data: join(file, 'below') })).toThrow(/can't be written: make it a folder/)
  })
})
