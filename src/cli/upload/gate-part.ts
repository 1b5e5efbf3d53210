import { member } from '../json.ts'
import { GateRefusal, type UploadRequest } from './request.ts'
import type { UploadSession } from './session.ts'
import { digestRange, type FileContent, type FileRange } from './source-file.ts'
import type { Source } from './sources.ts'

/** An upload in pieces, as the gate started it. */
export interface StartedUpload {
  /** The name that the gate gave it. */
  readonly upload: string
  /** The size of every piece but the last, in bytes. */
  readonly pieceSize: number
  /** Whether nothing was stored as this part when the upload started. */
  readonly fresh: boolean
}

/** Checks the name that a store gives to an upload or a piece: 1 to 1024 visible ASCII characters, safe in a header. */
export function isStoreName(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,1024}$/.test(value)
}

/** Checks the size of a piece: a positive whole number of bytes. */
export function isPieceSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0
}

/** The requests that store one part of a recording (docs/storing.md), with their answers checked. */
export class GatePart {
  readonly #source: Source
  readonly #session: UploadSession

  constructor(source: Source, session: UploadSession) {
    this.#source = source
    this.#session = session
  }

  /** Stores the part in one request. */
  async storeWhole(content: FileContent): Promise<void> {
    const { contentType, url } = this.#source
    const headers = { 'Content-Type': contentType }
    const request = this.#request({ method: 'PUT', url, headers, content, parse: this.#parseStored })
    await this.#session.send(request).catch((error: unknown) => {
      // The other upload that the gate saw was an earlier attempt of this one; its connection broke.
      if (isConflict(error) && error.attempts > 1) return this.#session.send(request)
      throw error
    })
  }

  /** Starts an upload in pieces. Finds out whether the part exists: see {@link StartedUpload.fresh}. */
  async start(): Promise<StartedUpload> {
    const started = await this.#startIfAbsent()
    return started === undefined ? { ...(await this.#start({})), fresh: false } : { ...started, fresh: true }
  }

  /** Checks whether the part exists, by starting an upload: the role `recorder` may store parts, and not read them. */
  async exists(): Promise<boolean> {
    const started = await this.#startIfAbsent()
    if (started !== undefined) await this.abandon(started.upload)
    return started === undefined
  }

  /**
   * Stores a piece.
   *
   * @returns the name that the store gave it
   * @throws SourceChanged
   */
  async storePiece(upload: string, first: number, size: number): Promise<string> {
    const { path, version, url } = this.#source
    const range: FileRange = { path, version, first, size }
    const headers = {
      'Mediaward-Upload': upload,
      'Content-Range': `bytes ${first}-${first + size - 1}/${version.size}`,
    }
    const content = { range, sha256: await digestRange(range) }
    return this.#session.send(this.#request({ method: 'PUT', url, headers, content, parse: parsePiece }))
  }

  /** Creates the part from its pieces. Until then, players see nothing of it. */
  async complete(upload: string, pieces: readonly string[]): Promise<void> {
    const headers = { 'Mediaward-Upload': upload }
    const json = { size: this.#source.version.size, pieces }
    const url = this.#uploadUrl
    await this.#session.send(this.#request({ method: 'POST', url, headers, json, parse: this.#parseStored }))
  }

  /** Tells the gate that an upload won't be completed. If that fails, the store removes it after some days. */
  async abandon(upload: string): Promise<void> {
    const headers = { 'Mediaward-Upload': upload }
    const request = this.#request({ method: 'DELETE', url: this.#uploadUrl, headers, parse: () => true })
    await this.#session.send(request).catch(() => {})
  }

  get #uploadUrl(): URL {
    return new URL(`${this.#source.url.href}/upload`)
  }

  #request<Answer>(request: Omit<UploadRequest<Answer>, 'about'>): UploadRequest<Answer> {
    return { about: this.#source.path, ...request }
  }

  /** @returns undefined if the part exists */
  async #startIfAbsent(): Promise<Omit<StartedUpload, 'fresh'> | undefined> {
    return this.#start({ 'If-None-Match': '*' }).catch((error: unknown) => {
      if (error instanceof GateRefusal && error.status === 412) return undefined
      throw error
    })
  }

  #start(preconditions: Readonly<Record<string, string>>): Promise<Omit<StartedUpload, 'fresh'>> {
    const { contentType, version } = this.#source
    const headers = {
      'Content-Type': contentType,
      'Mediaward-Upload-Size': String(version.size),
      ...preconditions,
    }
    return this.#session.send(
      this.#request({ method: 'POST', url: this.#uploadUrl, headers, parse: parseStarted }),
    )
  }

  /** Accepts only an answer that confirms the size of the whole file. */
  readonly #parseStored = (json: unknown): true | undefined =>
    member(json, 'size') === this.#source.version.size ? true : undefined
}

/** Checks whether the gate refused a request because of the state that the part is in (409). */
export function isConflict(error: unknown): error is GateRefusal {
  return error instanceof GateRefusal && error.status === 409
}

function parseStarted(json: unknown): Omit<StartedUpload, 'fresh'> | undefined {
  const [upload, pieceSize] = [member(json, 'upload'), member(json, 'piece_size')]
  return isStoreName(upload) && isPieceSize(pieceSize) ? { upload, pieceSize } : undefined
}

function parsePiece(json: unknown): string | undefined {
  const piece = member(json, 'piece')
  return isStoreName(piece) ? piece : undefined
}
