import { accessSync, constants } from 'node:fs'
import { StorageFault } from '../../base/storage-fault.ts'

/** The message for a symbolic link below the root. */
export const LINK_FOUND =
  'a symbolic link lies in the recordings folder (ELOOP): links are not followed, put the file itself there'

const MESSAGES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk of the recordings is full (ENOSPC): make room, then store again',
  EDQUOT: 'the quota of the recordings folder is used up (EDQUOT): raise it, then store again',
  EFBIG: 'a file of the recordings would be larger than this process may write (EFBIG): raise its limit',
  EACCES:
    'the recordings folder may not be used by this user (EACCES): give it to the user that the gate runs as',
  EPERM:
    'the recordings folder may not be used by this user (EPERM): give it to the user that the gate runs as',
  ENOTDIR: 'a file is in the place of the recordings folder, or of one in it (ENOTDIR): move that file',
  EROFS: 'the recordings folder can only be read (EROFS): mount it so that it can be written',
  EMFILE: 'too many files are open (EMFILE): raise the limit of this process (LimitNOFILE, ulimit -n)',
  ENFILE: 'too many files are open on this machine (ENFILE): raise fs.file-max',
  ELOOP: LINK_FOUND,
}

/**
 * Throws a fault for an error of the disk. The system's own message holds the path, so only its code is passed on.
 *
 * @throws StorageFault always; one that was given is thrown as it is
 */
export function diskFailed(error: unknown): never {
  if (error instanceof StorageFault) throw error
  const code = systemCode(error) ?? 'unknown'
  throw new StorageFault(MESSAGES[code] ?? `the disk of the recordings failed (${code})`)
}

/** Returns the system's code of an error, such as `ENOSPC`. */
export function systemCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Whether an error says that a file, or a folder on the way to it, does not exist. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')
}

/** Whether an error says that this user may not use a file or folder. */
export function isForbidden(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(systemCode(error) ?? '')
}

/** Whether this user may look for names in a folder. If not, every name in it fails alike. */
export function mayBeUsed(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
