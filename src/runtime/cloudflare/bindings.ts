import type { LedgerJurisdiction } from '../../config/options.ts'
import type { Control } from '../../control/control.ts'
import type { CountQuery, LedgerEntry, RecordCount } from '../../ledger/ledger.ts'
import type { TablePage, TableQuery } from '../../ledger/query/table-page.ts'
import type { AskedQuery } from '../../ledger/query/terms.ts'
import type { SinkReplay, SinkReplayed, SinkStatus, SinkTest } from '../../sinks/control.ts'
import type { FindingCall } from '../../watch/findings/calls.ts'
import type { TakenBatch } from './inbox.ts'

// What is used of Cloudflare's bindings, by its shape. So an app may have the types of Workers from where it likes
// (`wrangler types`, or any version of @cloudflare/workers-types), and checking the gate's types needs neither.

/** An R2 bucket. */
export interface Bucket {
  head(key: string): Promise<BucketObject | null>
  get(key: string, options?: { readonly range?: BucketRange }): Promise<BucketBody | null>
  put(
    key: string,
    value: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | string,
    options: BucketPut,
  ): Promise<BucketObject | null>
  createMultipartUpload(
    key: string,
    options: Pick<BucketPut, 'httpMetadata' | 'customMetadata'>,
  ): Promise<BucketUpload>
  /** Asks R2 nothing: the first use shows whether the upload exists. */
  resumeMultipartUpload(key: string, uploadId: string): BucketUpload
  list(options: BucketList): Promise<{ readonly objects: readonly BucketObject[] }>
  delete(keys: string[]): Promise<void>
}

/** Which bytes to read. */
export type BucketRange = { offset: number; length?: number } | { suffix: number }

/** What is stored beside the bytes, and what must be there before. */
export interface BucketPut {
  readonly httpMetadata: { contentType?: string }
  readonly customMetadata?: Record<string, string>
  readonly onlyIf?: { etagMatches?: string; etagDoesNotMatch?: string }
  /** Hexadecimal. */
  readonly sha256?: string
}

/** An upload in pieces. */
export interface BucketUpload {
  readonly uploadId: string
  uploadPart(partNumber: number, value: ReadableStream<Uint8Array> | string): Promise<BucketPiece>
  abort(): Promise<void>
  complete(pieces: BucketPiece[]): Promise<BucketObject>
}

/** A piece that R2 holds. */
export interface BucketPiece {
  partNumber: number
  etag: string
}

/** What to list. */
export interface BucketList {
  readonly prefix: string
  readonly startAfter?: string
  readonly limit: number
  readonly include?: ('httpMetadata' | 'customMetadata')[]
}

/** An object in a bucket, without its bytes. */
export interface BucketObject {
  readonly key: string
  readonly size: number
  readonly httpEtag: string
  readonly uploaded: Date
  readonly httpMetadata?: {
    readonly contentType?: string
    readonly contentDisposition?: string
    readonly contentEncoding?: string
  }
  readonly customMetadata?: Record<string, string>
}

/** An object in a bucket, with some or all of its bytes. */
export interface BucketBody extends BucketObject {
  readonly body: ReadableStream<Uint8Array>
  /** Which bytes these are, in one of several shapes. */
  readonly range?: object
  text(): Promise<string>
}

/** The Durable Objects of a class. */
export interface ObjectNamespace<Stub> {
  idFromName(name: string): ObjectId
  idFromString(id: string): ObjectId
  get(id: ObjectId): Stub
  /** Returns the namespace of other objects, which stay in the jurisdiction. workerd on one's own machine throws. */
  jurisdiction?(name: LedgerJurisdiction): ObjectNamespace<Stub>
}

/** The id of a Durable Object. */
export interface ObjectId {
  toString(): string
}

/** The inboxes of the log: the Durable Objects of the class `LedgerObject`. */
export type LedgerNamespace = ObjectNamespace<InboxStub>
/** The log: one Durable Object of the class `LogObject`. */
export type LogNamespace = ObjectNamespace<LogStub>

/** A Durable Object of the class `LedgerObject`, seen from outside. */
export interface InboxStub {
  append(entries: readonly LedgerEntry[], log: string): Promise<void>
  take(receipt: string | undefined, until: number): Promise<TakenBatch>
  age(): Promise<number>
}

/** A Durable Object of the class `LogObject`, seen from outside. */
export interface LogStub {
  pull(inbox: string): Promise<void>
  read(query: TableQuery, inboxes: readonly string[]): Promise<TablePage>
  count(query: CountQuery): Promise<readonly RecordCount[]>
  held(query: AskedQuery): Promise<readonly LedgerEntry[]>
  archiveLag(): Promise<number>
  waitAfter(cursor: number, milliseconds: number): Promise<void>
}

/** The sinks of the log, seen from outside its object. */
export interface LogSinksStub {
  listSinks(): Promise<readonly SinkStatus[]>
  testSink(name: string): Promise<SinkTest | undefined>
  replaySink(name: string, replay: SinkReplay): Promise<SinkReplayed | undefined>
}

/** A Durable Object of the class `ControlObject`, seen from outside. */
export type ControlStub = Omit<Control, 'copy'>

/** What the rules found, seen from outside the object of the log. */
export interface LogFindingsStub {
  findings(call: FindingCall): Promise<unknown>
}

/** The state that a Durable Object is created with. */
export interface DurableState {
  readonly id: ObjectId
  /** Has the object take no call until some work is done. It restarts if the work fails. */
  blockConcurrencyWhile(work: () => Promise<void>): Promise<void>
  readonly storage: {
    readonly sql: {
      exec(statement: string, ...parameters: (string | number | null)[]): { toArray(): object[] }
      /** In bytes. */
      readonly databaseSize: number
    }
    transactionSync<Result>(work: () => Result): Result
    setAlarm(time: number): Promise<void>
  }
}
