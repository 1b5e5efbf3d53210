import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { beforeEach, expect, test, vi } from 'vitest'
import { lockData, runtimeMark } from '../../../src/cli/data-lock.ts'

const MODULE = new URL('../../../src/cli/data-lock.ts', import.meta.url).href

let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'mediaward-'))
})

test('a data folder is held as soon as it is locked, before its runtime has started', async () => {
  const code = `const { lockData } = await import('${MODULE}')
    lockData(process.argv[1]); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code, data])
  const ended = new Promise(resolve => holder.once('exit', resolve))
  await new Promise(resolve => holder.stdout.once('data', resolve))
  expect(() => lockData(data)).toThrow(`${data} is in use by process ${holder.pid}`)
  expect(existsSync(join(data, 'dev.pid'))).toBe(true)
  holder.kill('SIGKILL')
  await ended
  lockData(data)()
})

test('a data folder that was released can be locked again, and another one at the same time', () => {
  const other = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const release = lockData(data)
  lockData(other)()
  expect(() => lockData(data)).toThrow(`is in use by process ${process.pid}`)
  release()
  expect(existsSync(join(data, 'dev.pid'))).toBe(false)
  lockData(data)()
})

test('a data folder is free if the id of its killed holder now belongs to another process', () => {
  writeFileSync(join(data, 'dev.pid'), String(process.ppid))
  lockData(data)()
})

test.runIf(process.platform === 'linux')('a lock ends the runtime of an earlier run', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const runtime = spawn('sleep', ['60'], { env: { ...process.env, ...runtimeMark(data) } })
  const ended = new Promise(resolve => runtime.once('exit', (_, signal) => resolve(signal)))
  await new Promise(resolve => runtime.once('spawn', resolve))
  const release = lockData(data)
  expect(await ended).toBe('SIGKILL')
  expect(said).toHaveBeenCalledWith(expect.stringContaining(`ending process ${runtime.pid}`))
  said.mockRestore()
  release()
})
