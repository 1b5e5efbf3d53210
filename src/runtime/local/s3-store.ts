// placeholder until the real adapter is written over it
import type { RecordingStore } from '../../deliver/recording-store.ts'
export interface S3Options {
  readonly endpoint: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region?: string
}
export function s3Store(_: S3Options): RecordingStore {
  throw new Error('placeholder')
}
export function checkS3Options(_: S3Options): string[] {
  return ['placeholder']
}
