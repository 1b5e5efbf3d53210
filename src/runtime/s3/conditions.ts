import { StorageFault } from '../../base/storage-fault.ts'
import { RESERVED_PREFIX } from '../../recordings/recording.ts'
import { S3Refusal } from './answer.ts'
import type { S3Client } from './client.ts'

/** R2 takes one write a second to one key. */
const BETWEEN_WRITES = 1100

/** Returns the header that stores an object only if `replaces` holds. */
export function conditionFor(replaces: string | null): Record<string, string> {
  return replaces === null ? { 'if-none-match': '*' } : { 'if-match': replaces }
}

/**
 * Creates a function that checks, once and before the first object is stored, whether a store honours conditions. Some
 * stores that call themselves compatible ignore `If-None-Match` and `If-Match`, and answer 200: there a recording could
 * be bound to two owners, and one upload could overwrite another unnoticed.
 *
 * @returns resolves if the store honours conditions; rejects with a `StorageFault` if it doesn't
 */
export function createConditionCheck(client: S3Client): () => Promise<void> {
  let checked: Promise<void> | undefined
  return () => {
    checked ??= checkConditions(client).catch((error: unknown) => {
      checked = undefined
      throw error
    })
    return checked
  }
}

async function checkConditions(client: S3Client): Promise<void> {
  const key = `${RESERVED_PREFIX}conditions`
  const absent = `${RESERVED_PREFIX}conditions-absent`
  const refuses = async (at: string, condition: Record<string, string>, again = true): Promise<boolean> => {
    const headers = { 'content-type': 'application/octet-stream', ...condition }
    const answer = await client.send({ operation: 'PutObject', key: at, headers }, null, { size: 0 })
    if (!(answer instanceof S3Refusal)) return false
    if (answer.isConditionFailed) return true
    if (answer.status !== 429 || !again) throw answer.fault()
    await new Promise(resolve => setTimeout(resolve, BETWEEN_WRITES))
    return refuses(at, condition, false)
  }
  const none = { 'if-none-match': '*' }
  // If the first request stores the object, the second must be refused.
  const keepsFirst = (await refuses(key, none)) || (await refuses(key, none))
  const keepsVersion = await refuses(absent, { 'if-match': `"${'0'.repeat(32)}"` })
  if (!keepsFirst || !keepsVersion) {
    throw new StorageFault(
      'this S3 store ignores If-None-Match or If-Match: it can be read from, but store in one that supports conditional writes',
    )
  }
}
