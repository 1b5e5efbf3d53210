import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { NameTaken } from '../../../../src/index.ts'
import { Claims } from '../../../../src/recordings/claims.ts'
import { createFolderStore } from '../../../../src/runtime/local/index.ts'

// A disk that ignores case: each call finds the last name of its path in lower case.

const fold = vi.hoisted(
  () =>
    <Calls extends object>(calls: Calls, names: readonly (keyof Calls)[]): Calls => {
      const folded = (argument: unknown): unknown =>
        typeof argument === 'string' && argument.includes('/')
          ? argument.replace(/[^/]+\/?$/, name => name.toLowerCase())
          : argument
      const wrapped = names.map(name => {
        const call = calls[name] as (...args: unknown[]) => unknown
        return [name, (...args: unknown[]) => call(...args.map(folded))]
      })
      return { ...calls, ...Object.fromEntries(wrapped) }
    },
)
vi.mock('node:fs', async original =>
  fold(await original<typeof import('node:fs')>(), ['openSync', 'lstatSync', 'statSync', 'mkdirSync']),
)
vi.mock('node:fs/promises', async original =>
  fold(await original<typeof import('node:fs/promises')>(), ['open', 'rename', 'rm', 'lstat']),
)

test('of two claims at once whose ids differ only in case, a disk that ignores case takes one', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  const store = createFolderStore(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'data'))
  expect(said).toHaveBeenCalledWith(expect.stringContaining('ignores case'))
  for (let round = 0; round < 10; round++) {
    const claims = new Claims(store)
    const ids = [`Rec-${round}`, `rec-${round}`]
    const outcomes = await Promise.allSettled(
      ids.map((id, n) =>
        claims.claim(id, { owner: `patient-${n}`, issuer: 'https://login.clinic.test/' }, []),
      ),
    )
    const refused = outcomes.filter(outcome => outcome.status === 'rejected')
    expect(refused).toEqual([{ status: 'rejected', reason: expect.any(NameTaken) }])
    const taken = outcomes.findIndex(outcome => outcome.status === 'fulfilled')
    expect(await claims.find(ids[taken] ?? '')).toMatchObject({ owner: `patient-${taken}` })
  }
})
