import { describeRefusal, Unreachable } from '../client.ts'
import { clean } from '../contain/console-call.ts'
import { UsageError } from '../terminal.ts'

/** Who calls the gate, in the words of a message, and their token. */
export interface Caller {
  /** As in `the analyst`. */
  readonly whose: string
  readonly token: string
}

/** Sends the requests of a drill, and says what is wrong if the gate can't be called like that. */
export class DrillCalls {
  readonly #url: URL
  /** The release that the app names in a header. */
  release: string

  constructor(url: URL, release: string) {
    this.#url = url
    this.release = release
  }

  /**
   * Sends a request.
   *
   * @throws Unreachable
   */
  send(path: string, token: string, init: RequestInit = {}): Promise<Response> {
    const headers = {
      ...init.headers,
      Authorization: `Bearer ${token}`,
      'Mediaward-App-Release': this.release,
    }
    return fetch(new URL(path, this.#url), { ...init, headers }).catch((error: unknown) => {
      throw new Unreachable(this.#url, error)
    })
  }

  /** Calls the console's API as an analyst: by POST if there is a body. */
  console(path: string, analyst: string, body?: object): Promise<unknown> {
    return this.json(path, { whose: 'the analyst', token: analyst }, body)
  }

  /**
   * Calls an endpoint that answers JSON: by POST if there is a body.
   *
   * @throws UsageError if the call is refused for its token; Error if the gate failed
   */
  async json(path: string, caller: Caller, body?: object): Promise<unknown> {
    const headers = { 'Content-Type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await this.send(path, caller.token, init)
    await this.requireGood(response, caller, path)
    return response.json().catch(() => {
      throw new UsageError(
        `what answers at ${this.#url.origin} is no gate`,
        'name the origin of the gate with --url',
      )
    })
  }

  /**
   * Makes sure that a call was answered.
   *
   * @throws UsageError if it is refused for its token; Error if the gate failed
   */
  async requireGood(response: Response, { whose }: Caller, path: string): Promise<void> {
    if (response.ok) return
    const refusal = clean(await describeRefusal(response))
    const hint = HINTS[response.status]
    if (hint === undefined) throw new Error(`the gate answered ${refusal} to ${path} (by ${whose})`)
    const asks = path.startsWith('/console/') ? hint.console : hint.others
    throw new UsageError(`the gate refused the token of ${whose}: ${refusal}`, asks)
  }
}

const NEW_TOKEN = 'put a new one into the file of --tokens. If it is refused, too, "explain" says why'
const SECURITY = 'it needs the role "security", and --url must be the origin of a gate'
const OTHERS =
  'that of the recorder needs the role "recorder", and a subject must have the id that the gate reads from the token: "explain" says both. With 403 a lockdown may be in force'

/** How to go on if a token is refused, by the status. */
const HINTS: Readonly<Record<number, { readonly console: string; readonly others: string }>> = {
  401: { console: NEW_TOKEN, others: NEW_TOKEN },
  403: { console: SECURITY, others: OTHERS },
  // As a gate answers who may not know what is there.
  404: { console: SECURITY, others: OTHERS },
}
