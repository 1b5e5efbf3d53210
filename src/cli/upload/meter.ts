import { progress } from '../terminal.ts'

const MIB = 1024 * 1024

/** Tells the person at the terminal how far an upload is, by bytes. */
export class Meter {
  readonly #label: string
  readonly #total: number
  #done = 0
  #sent = 0
  #begun = 0
  #shown = 0

  /** @param total what there is to send, in bytes */
  constructor(label: string, total: number) {
    this.#label = label
    this.#total = total
  }

  /** How much is stored or on its way, in words; undefined where nothing is. */
  get told(): string | undefined {
    return this.#done > 0 ? amount(this.#done, this.#total) : undefined
  }

  /** An earlier run stored so many bytes. */
  skip(bytes: number): void {
    this.#done += bytes
  }

  /** So many bytes are on their way; less than none where they have to be sent again. */
  add(bytes: number): void {
    const now = performance.now()
    if (this.#begun === 0) this.#begun = now
    this.#done += bytes
    this.#sent += bytes
    if (now - this.#shown < 100 || this.#done >= this.#total) return
    this.#shown = now
    const rate = Math.max(0, this.#sent) / Math.max(1, now - this.#begun)
    progress(this.#label, this.#done, this.#total, describe(this.#done, this.#total, rate * 1000))
  }

  /** All is stored. */
  end(): void {
    progress(this.#label, 1, 1)
  }
}

/** @param rate in bytes a second */
function describe(done: number, total: number, rate: number): string {
  const left = rate > 0 ? `  ${time((total - done) / rate)} left` : ''
  return `${amount(done, total)}  ${(rate / MIB).toFixed(1)} MiB/s${left}`
}

function amount(done: number, total: number): string {
  return `${(done / MIB).toFixed(1)} of ${(total / MIB).toFixed(1)} MiB`
}

function time(seconds: number): string {
  const [h, m, s] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor) as [
    number,
    number,
    number,
  ]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
