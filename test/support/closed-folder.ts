import { chmodSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { stampsAt } from '../../src/recordings/claims.ts'
import type { DamagedPart, StoredPart } from '../../src/recordings/recording-store.ts'
import { createFolderStore } from '../../src/runtime/folder/folder-store.ts'

// Prints the owners that a folder store finds for recordings that this user may not read. A program of its own, which
// drops the rights of the superuser: the superuser may read everything.

if (process.getuid?.() === 0) {
  process.setgid?.(65_534)
  process.setuid?.(65_534)
}
const root = mkdtempSync(join(process.argv[2] ?? '', 'closed-'))
const before = createFolderStore(root)
const facts = { size: 1, contentType: 'video/mp4', ownership: { owner: 'patient-2' }, replaces: null }
const ids = ['folder', 'unlisted', 'facts', 'open']
for (const id of ids) await before.put(`recordings/${id}/a.ts`, new Blob(['x']).stream(), facts)
const at = (path: string) => join(root, 'recordings', path)
chmodSync(at('folder'), 0)
chmodSync(at('unlisted'), 0o600)
chmodSync(at('facts/a.ts@facts.json'), 0)

const store = createFolderStore(root)
const found: Record<string, string> = {}
for (const id of [...ids, 'nothing']) found[id] = await ownersOf(id)
chmodSync(root, 0)
found['nothing, of a store that is closed'] = await ownersOf('nothing')
chmodSync(root, 0o700)
for (const path of ['folder', 'unlisted']) chmodSync(at(path), 0o700)
process.stdout.write(JSON.stringify(found))

/** Returns the owner of a recording and of its part. */
async function ownersOf(id: string): Promise<string> {
  const ofWhole = async () =>
    (await stampsAt(store, [`recordings/${id}/`])).map(ownerIn).join() || 'not there'
  const ofPart = async () => ownerIn((await store.find(`recordings/${id}/a.ts`))?.ownership)
  const answers = [ofWhole, ofPart].map(ask => ask().catch(() => 'a fault'))
  return (await Promise.all(answers)).join(', ')
}

function ownerIn(ownership: (StoredPart | DamagedPart)['ownership'] | undefined): string {
  return ownership === undefined ? 'not there' : (ownership.owner ?? 'unowned')
}
