import process from 'node:process'
import { drawLine, say } from './terminal.ts'

// How the progress of long work is shown to the person at the terminal.

const MIB = 1024 * 1024
/** How often a log that is not a terminal gets a line, in milliseconds. */
const LOG_INTERVAL = 15_000
/** How often the line on a terminal is drawn again, in milliseconds. */
const DRAW_INTERVAL = 100

let logged = Date.now()

/**
 * Shows progress: on one line of a terminal, which is drawn again; in a log, as a line now and then and one at the end.
 *
 * @param detail further information while the work goes on
 */
export function progress(label: string, done: number, total: number, detail = ''): void {
  const share = total === 0 ? 1 : done / total
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  if (!process.stderr.isTTY) {
    if (share < 1 && Date.now() - logged < LOG_INTERVAL) return
    logged = Date.now()
    say(share >= 1 ? `${label}: done` : `${label}: ${percent.trim()}  ${detail}`.trimEnd())
    return
  }
  const filled = Math.round(share * 16)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(16 - filled)}`
  drawLine(`${bar} ${percent}  ${label}  ${detail}`.trimEnd(), share >= 1)
}

/** Counts the bytes of an upload, and shows them. */
export class UploadProgress {
  readonly #label: string
  readonly #total: number
  /** Bytes that are stored or being sent, those of earlier runs included. */
  #done = 0
  /** Bytes that this run has sent. */
  #sent = 0
  #started = 0
  #drawn = 0

  /** @param total size of everything to store, in bytes */
  constructor(label: string, total: number) {
    this.#label = label
    this.#total = total
  }

  /** How much is stored or being sent, in words; undefined if nothing is. */
  get summary(): string | undefined {
    return this.#done > 0 ? formatBytes(this.#done, this.#total) : undefined
  }

  /** Counts bytes that an earlier run stored. */
  skip(bytes: number): void {
    this.#done += bytes
  }

  /** Counts bytes that are being sent. Negative if they have to be sent again. */
  add(bytes: number): void {
    const now = performance.now()
    if (this.#started === 0) this.#started = now
    this.#done += bytes
    this.#sent += bytes
    if (now - this.#drawn < DRAW_INTERVAL || this.#done >= this.#total) return
    this.#drawn = now
    const rate = (1000 * Math.max(0, this.#sent)) / Math.max(1, now - this.#started)
    const left = rate > 0 ? `  ${formatTime((this.#total - this.#done) / rate)} left` : ''
    const detail = `${formatBytes(this.#done, this.#total)}  ${(rate / MIB).toFixed(1)} MiB/s${left}`
    progress(this.#label, this.#done, this.#total, detail)
  }

  /** Shows that everything is stored. */
  end(): void {
    progress(this.#label, 1, 1)
  }
}

function formatBytes(done: number, total: number): string {
  return `${(done / MIB).toFixed(1)} of ${(total / MIB).toFixed(1)} MiB`
}

function formatTime(seconds: number): string {
  const pad = (n: number) => String(n).padStart(2, '0')
  const h = Math.floor(seconds / 3600)
  const m = Math.floor((seconds / 60) % 60)
  const s = Math.floor(seconds % 60)
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`
}
