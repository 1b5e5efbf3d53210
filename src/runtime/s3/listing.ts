import { StorageFault } from '../../base/storage-fault.ts'
import { isWhole, s3Answered, s3Failed, textOf } from './answer.ts'
import type { Ask } from './ask.ts'

/** Two keys of 1024 characters, each written as `%XX`, with what stands around them. */
const LIMIT = 64 * 1024

/** The first of the keys below a prefix that ends in `/`. */
export async function keyBelow(ask: Ask, prefix: string): Promise<string | undefined> {
  const operation = 'ListObjectsV2'
  const listed = await ask({ operation, prefix }, ({ body }) =>
    textOf(body, LIMIT).catch((error: unknown) => {
      throw s3Failed(error, operation)
    }),
  )
  if (typeof listed !== 'string') throw s3Answered(listed, operation)
  // A page that is no list, or is cut off, must not pass for an empty one: nobody's recording is anybody's to claim.
  if (!isWhole(listed, 'ListBucketResult')) {
    throw new StorageFault('S3 answered ListObjectsV2 with what is no list: look at S3_ENDPOINT')
  }
  // A store that knows nothing of encoding-type sends keys as they are.
  const isEncoded = listed.includes('<EncodingType>url</EncodingType>')
  const keys = [...listed.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) =>
    isEncoded ? decoded(key) : key,
  )
  if (!keys.every(key => key?.startsWith(prefix))) {
    throw new StorageFault('S3 answered ListObjectsV2 with other keys than were asked for')
  }
  // Tools that show folders store an empty object for each, under its name with the slash.
  return keys.find(key => key !== prefix)
}

function decoded(key: string): string | undefined {
  try {
    // A plain "+" is a space here: such a key is no key of ours, and must not be taken for one with a "+".
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
