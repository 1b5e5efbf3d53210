import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Memory of a process, in MiB. */
export interface Memory {
  /** Resident now. */
  readonly resident: number
  /** Most that was resident since the last {@link resetPeak}. */
  readonly peak: number
}

/** The ids of the processes with this name that a process has started. */
export function childrenOf(parent: number, name: string): readonly number[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .map(Number)
    .filter(pid => {
      try {
        const [comm, fields] = statOf(pid)
        return comm === name && Number(fields[1]) === parent
      } catch {
        // Gone since the folder was read.
        return false
      }
    })
}

/** CPU time that each thread of processes has used so far, by the thread's id, in milliseconds. */
export type ThreadTimes = ReadonlyMap<string, number>

/**
 * Reads the CPU time of processes. By thread, as only there Linux tells it in nanoseconds: for a process it is in
 * hundredths of a second, and a turn of the bench takes no more than a few of these.
 */
export function cpuTimes(pids: readonly number[]): ThreadTimes {
  const times = new Map<string, number>()
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      try {
        const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
        times.set(thread, Number(running) / 1e6)
      } catch {
        // Ended since the folder was read.
      }
    }
  }
  return times
}

/** CPU time that processes have used between two readings. What a thread did that ended between them is lost. */
export function cpuBetween(before: ThreadTimes, after: ThreadTimes): number {
  let sum = 0
  for (const [thread, time] of after) sum += time - (before.get(thread) ?? 0)
  return sum
}

/** What processes hold in memory. */
export function memory(pids: readonly number[]): Memory {
  const all = pids.map(memoryOf)
  return {
    resident: all.reduce((sum, { resident }) => sum + resident, 0),
    peak: all.reduce((sum, { peak }) => sum + peak, 0),
  }
}

function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (field: string) => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
    if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`)
    return Number(kibibytes) / 1024
  }
  return { resident: mebibytes('VmRSS'), peak: mebibytes('VmHWM') }
}

/** Forgets the peaks of processes, so that the next ones are of what comes now. */
export function resetPeak(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The name of a process, and the fields of its stat that come after the name, from `state` on. */
function statOf(pid: number): [string, readonly string[]] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // A name may hold spaces and brackets; the last bracket ends it.
  const end = stat.lastIndexOf(')')
  return [stat.slice(stat.indexOf('(') + 1, end), stat.slice(end + 2).split(' ')]
}
