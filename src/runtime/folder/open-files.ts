import { closeSync, type Stats } from 'node:fs'
// Those of Deno itself have no `unref` in 2.5.
import { setTimeout } from 'node:timers'
import { openRegular } from './regular-file.ts'

/** A file of bytes that is being read. */
export interface OpenFile {
  readonly descriptor: number
  /** As it was when it was opened. */
  readonly stats: Stats
  /** To be called when nobody reads on; once is enough. */
  release(): void
  /** To be called where it is no longer as it was: the next reader opens it anew. */
  forget(): void
}

interface Held {
  readonly descriptor: number
  readonly stats: Stats
  readers: number
}

/** Most files that stay open without a reader. */
const MOST_IDLE = 64
/** How long they do, in milliseconds: what was taken away from the folder holds room on the disk no longer. */
const IDLE_TIME = 5_000

/**
 * Files that are open, by their path. A player asks for one part of a recording after the other, so a file stays open
 * a little after its last reader left.
 */
export interface OpenFiles {
  /** Opens a file for one more reader; null where there is none. */
  open(path: string): OpenFile | null
  /** Lets go of a file that was replaced: its readers read on, new ones get a new one. */
  forget(path: string): void
}

/** Makes an empty collection. */
export function openFiles(): OpenFiles {
  const held = new Map<string, Held>()
  /** Without a reader, the one that is idle for longest first. */
  const idle = new Map<string, Held>()
  let timer: ReturnType<typeof setTimeout> | undefined

  function close(path: string, file: Held): void {
    idle.delete(path)
    if (held.get(path) === file) held.delete(path)
    closeSync(file.descriptor)
  }
  function closeIdle(): void {
    timer = undefined
    for (const [path, file] of idle) close(path, file)
  }
  function release(path: string, file: Held): void {
    file.readers -= 1
    if (file.readers > 0) return
    if (held.get(path) !== file) {
      closeSync(file.descriptor)
      return
    }
    idle.set(path, file)
    for (const [oldest, unused] of idle) {
      if (idle.size <= MOST_IDLE) break
      close(oldest, unused)
    }
    if (timer !== undefined) return
    timer = setTimeout(closeIdle, IDLE_TIME)
    timer.unref()
  }

  /** Its readers read on; the last of them closes it. */
  function forget(path: string, file: Held): void {
    if (held.get(path) !== file) return
    held.delete(path)
    if (idle.delete(path)) closeSync(file.descriptor)
  }

  return {
    open(path) {
      let file = held.get(path)
      if (file === undefined) {
        const opened = openRegular(path)
        if (opened === null) return null
        file = { ...opened, readers: 0 }
        held.set(path, file)
      }
      file.readers += 1
      idle.delete(path)
      const reading = file
      let released = false
      return {
        descriptor: file.descriptor,
        stats: file.stats,
        release() {
          // Twice would close the file under another reader.
          if (!released) release(path, reading)
          released = true
        },
        forget: () => forget(path, reading),
      }
    },

    forget(path) {
      const file = held.get(path)
      if (file !== undefined) forget(path, file)
    },
  }
}
