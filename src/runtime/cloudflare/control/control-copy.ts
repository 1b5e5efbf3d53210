import { StorageFault } from '../../../base/storage-fault.ts'
import { withTimeout } from '../../../base/timeout.ts'
import type { StoredChange } from '../../../control/restriction.ts'
import { RESERVED_PREFIX } from '../../../recordings/recording.ts'
import type { Bucket, BucketObject } from '../bindings.ts'
import { r2Failed } from '../r2/r2-failure.ts'

const PREFIX = `${RESERVED_PREFIX}control/`
/** An object of so many characters is not merged with others. */
export const FULL: number = 2 * 2 ** 20
/** How long R2 may take for one call, in milliseconds. */
const PATIENCE = 5_000
/** Most objects that R2 lists at once. */
const PAGE = 1_000
/** How often the objects are listed, if some are gone when they are read as they were merged. */
const TRIES = 3

/** Changes in a copy, by rising epoch. */
export interface CopiedChanges {
  readonly changes: readonly StoredChange[]
  /** Up to which epoch these are all changes. */
  readonly end: number
  /** Whether there are more. */
  readonly more: boolean
}

const keyOf = (epoch: number): string => PREFIX + `${epoch}`.padStart(16, '0')
/** Returns the last epoch of an object. */
export const endOf = ({ key }: BucketObject): number => Number(key.slice(PREFIX.length))

/**
 * A copy of the restrictions in an R2 bucket, without any reason. An object has the changes from the one before up to the
 * epoch that is its name. Merging writes one with the name of the last one it takes the place of, then deletes the others.
 */
export class ControlCopy {
  readonly #bucket: Bucket

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  /** Lists the objects that have changes after an epoch. */
  async list(after: number): Promise<readonly BucketObject[]> {
    const page = { prefix: PREFIX, startAfter: keyOf(after), limit: PAGE }
    const { objects } = await withTimeout(PATIENCE, this.#bucket.list(page)).catch(r2Failed)
    const last = objects.at(-1)
    // So many only if they can't be merged, as under a lock of the whole bucket.
    return last === undefined || objects.length < PAGE
      ? objects
      : [...objects, ...(await this.list(endOf(last)))]
  }

  /**
   * Reads the changes after an epoch.
   *
   * @param size reads no further object after so many bytes
   */
  async read(after: number, size: number = Number.POSITIVE_INFINITY): Promise<CopiedChanges> {
    for (let tries = 0; tries < TRIES; tries++) {
      const all = await this.list(after)
      let left = size
      const objects = all.filter(object => {
        const isRead = left > 0
        left -= object.size
        return isRead
      })
      const bodies = await Promise.all(objects.map(({ key }) => this.#get(key)))
      if (bodies.includes(undefined)) continue
      const changes = new Map(
        bodies.flatMap(body => JSON.parse(body ?? '') as StoredChange[]).map(one => [one.epoch, one]),
      )
      return {
        changes: [...changes.values()]
          .filter(({ epoch }) => epoch > after)
          .sort((one, other) => one.epoch - other.epoch),
        end: Math.max(after, ...objects.map(endOf)),
        more: objects.length < all.length,
      }
    }
    throw new StorageFault('the copy of the restrictions is merged faster than it is read')
  }

  async #get(key: string): Promise<string | undefined> {
    const read = async () => (await this.#bucket.get(key))?.text()
    return withTimeout(PATIENCE, read()).catch(r2Failed)
  }

  /** Writes an object with the changes up to an epoch. */
  async write(changes: readonly StoredChange[], end: number): Promise<void> {
    const options = { httpMetadata: { contentType: 'application/json' } }
    const putting = this.#bucket.put(keyOf(end), JSON.stringify(changes), options)
    await withTimeout(PATIENCE, putting).catch(r2Failed)
  }

  async remove(objects: readonly BucketObject[]): Promise<void> {
    await withTimeout(PATIENCE, this.#bucket.delete(objects.map(({ key }) => key))).catch(r2Failed)
  }
}
