/** A part of the log: its places (or indexes) from one up to another, which is not one of them. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Which places of a span to look at: the first `limit` of them or, of the newest first, the last ones, from the last on. */
export interface Look extends Span {
  readonly limit: number
  readonly isNewestFirst: boolean
}
