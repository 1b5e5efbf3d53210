/** How long records are kept, and where. */
export interface KeepOptions {
  /**
   * For how many days records are in the live log. Then they are in the archive alone (docs/archive.md).
   *
   * @defaultValue `90`
   */
  readonly days?: number
  /**
   * How many of the newest records are in the live log at most. On Workers it holds 10 GB, which are about 8 million.
   *
   * @defaultValue `6000000`
   */
  readonly records?: number
  /**
   * For how many years records are in the archive.
   *
   * @defaultValue `6`
   */
  readonly years?: number
}

/** The same with every default filled in. */
export type KeepLimits = Required<KeepOptions>
