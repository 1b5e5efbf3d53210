import { accessSync, constants } from 'node:fs'
import { StorageFault } from '../../base/storage-fault.ts'

/** What is said of a symbolic link. */
export const LINK_FOUND =
  'a symbolic link lies in the recordings folder (ELOOP): links are not followed, put the file itself there'

const MEANING: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk of the recordings is full (ENOSPC): make room, then store again',
  EDQUOT: 'the quota of the recordings folder is used up (EDQUOT): raise it, then store again',
  EFBIG: 'a file of the recordings would be larger than this process may write (EFBIG): raise its limit',
  EACCES:
    'the recordings folder may not be used by this user (EACCES): give it to the user that the gate runs as',
  EPERM:
    'the recordings folder may not be used by this user (EPERM): give it to the user that the gate runs as',
  EROFS: 'the recordings folder can only be read (EROFS): mount it so that it can be written',
  EMFILE: 'too many files are open (EMFILE): raise the limit of this process (LimitNOFILE, ulimit -n)',
  ENFILE: 'too many files are open on this machine (ENFILE): raise fs.file-max',
  ELOOP: LINK_FOUND,
}

/** Fails as the disk did. The system's own words hold the path: only its code is handed on. */
export function diskFailed(error: unknown): never {
  if (error instanceof StorageFault) throw error
  const code = codeOf(error) ?? 'unknown'
  throw new StorageFault(MEANING[code] ?? `the disk of the recordings failed (${code})`)
}

/** The system's code of an error. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Whether a file or folder may not be used by this user. */
export function isClosed(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(error) ?? '')
}

/** Whether what is in a folder may be looked for. If not, whatever fails there fails for all names alike. */
export function mayBeUsed(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
