/** A secret that no log, error or JSON shows by accident. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** Returns a secret that may be a plain string, as options in code have it, as one that is not shown. */
  static of(secret: string | Secret): Secret {
    return typeof secret === 'string' ? new Secret(secret) : secret
  }

  /** Returns the secret itself, to send it or to compute with it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  /** What `JSON.stringify` writes of it. */
  toJSON(): string {
    return this.toString()
  }
}

/** How to get a secret. */
export const MAKE_SECRET = 'make one with "openssl rand -base64 32"'
