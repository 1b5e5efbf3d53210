import { StorageFault } from '../../base/storage-fault.ts'
import { RESERVED_PREFIX } from '../../recordings/recording.ts'
import { type S3Refusal, s3Answered } from './answer.ts'
import type { Upload } from './upload.ts'

/**
 * Makes sure, before the first object is stored, that a store does what its conditions say. Stores that call
 * themselves compatible ignore `If-None-Match` and `If-Match`, and say 200: there a recording could be bound to two
 * owners, and one upload overwrite another unseen.
 *
 * @returns resolves where the store can be trusted; asks it once
 */
export function conditionsTried(upload: Upload): () => Promise<void> {
  let tried: Promise<void> | undefined
  return () => {
    tried ??= tryConditions(upload).catch((error: unknown) => {
      tried = undefined
      throw error
    })
    return tried
  }
}

/** R2 takes one write a second to one key. */
const BETWEEN_WRITES = 1100

async function tryConditions(upload: Upload): Promise<void> {
  const key = `${RESERVED_PREFIX}conditions`
  const absent = `${RESERVED_PREFIX}conditions-absent`
  const refuses = async (at: string, condition: Record<string, string>, again = true): Promise<boolean> => {
    const headers = { 'content-type': 'application/octet-stream', ...condition }
    const answer = await upload({ operation: 'PutObject', key: at, headers }, null, { size: 0 })
    if ('stored' in answer) return false
    if (conditionFailed(answer)) return true
    if (answer.status !== 429 || !again) throw s3Answered(answer, 'PutObject')
    await new Promise(resolve => setTimeout(resolve, BETWEEN_WRITES))
    return refuses(at, condition, false)
  }
  const none = { 'if-none-match': '*' }
  // Where it is stored the first time, the second time tells.
  const keepsFirst = (await refuses(key, none)) || (await refuses(key, none))
  const keepsVersion = await refuses(absent, { 'if-match': `"${'0'.repeat(32)}"` })
  if (!keepsFirst || !keepsVersion) {
    throw new StorageFault(
      'this S3 store ignores If-None-Match or If-Match: it can be read from, but take one that knows conditional writes to store in',
    )
  }
}

/** Whether the store says that `If-None-Match` or `If-Match` doesn't hold. */
export function conditionFailed({ status, code }: S3Refusal): boolean {
  return (
    status === 412 ||
    // Another one was at it at the same moment.
    (status === 409 && code === 'ConditionalRequestConflict') ||
    // AWS, of If-Match where there is no object.
    (status === 404 && code === 'NoSuchKey')
  )
}
