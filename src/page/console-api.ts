import type { ArrivedAlert, PageFinding } from './incident-times.ts'

/** What the calls take. */
export interface ApiSettings {
  /** The origin of the gate. */
  readonly gate: string
  /** The release of the app. */
  readonly release: string
  /** A token with the role `security`. */
  readonly token: () => Promise<string>
}

/** A lockdown in force. */
export interface PageLockdown {
  readonly epoch: number
  readonly scope: string
  readonly value?: string
}

/** Most findings that the page shows. */
const SHOWN = 20

/** Calls the gate as an analyst's tools do, and reads which alerts came. */
export class ConsoleApi {
  readonly #settings: ApiSettings

  constructor(settings: ApiSettings) {
    this.#settings = settings
  }

  /** Returns what the rules found and no one has closed, the newest first. */
  async findings(): Promise<readonly PageFinding[]> {
    const { findings } = await this.#call<{ findings: readonly PageFinding[] }>(
      `/console/api/findings?limit=${SHOWN}`,
    )
    return findings
  }

  /** Closes a finding as a test, so that the next one is a finding of its own. */
  async close(id: string): Promise<void> {
    await this.#call('/console/api/findings/act', { id, action: 'close', verdict: 'test' })
  }

  /** Returns the alerts that came. */
  async alerts(): Promise<readonly ArrivedAlert[]> {
    return jsonOf(await fetch('/alerts'))
  }

  /** Says that the release is out, as a team's build does. */
  async markRelease(): Promise<void> {
    await this.#call('/console/api/releases', { release: this.#settings.release })
  }

  /** Returns the lockdown of the release, if it is frozen. */
  async freeze(): Promise<PageLockdown | undefined> {
    const { lockdowns } = await this.#call<{ lockdowns: readonly PageLockdown[] }>('/console/api/lockdowns')
    return lockdowns.find(({ scope, value }) => scope === 'release' && value === this.#settings.release)
  }

  async addFreeze(finding: string | undefined): Promise<void> {
    const reason = 'Frozen on the demo page'
    const target = { scope: 'release', value: this.#settings.release, reason }
    await this.#call('/console/api/lockdowns/add', { ...target, ...(finding !== undefined && { finding }) })
  }

  async undo(epoch: number): Promise<void> {
    await this.#call('/console/api/lockdowns/undo', { epoch, reason: 'Undone on the demo page' })
  }

  /** Asks which recordings a patient may play, as the app does before it shows a list. Returns how many. */
  async list(patient: string, token: string, recordings: readonly string[]): Promise<number> {
    const evaluations = recordings.map(id => ({ resource: { type: 'recording', id } }))
    const question = { subject: { type: 'user', id: patient }, action: { name: 'play' }, evaluations }
    const answer = await this.#send<{ evaluations: readonly { readonly decision: boolean }[] }>(
      '/access/v1/evaluations',
      token,
      question,
    )
    return answer.evaluations.filter(({ decision }) => decision).length
  }

  async #call<Answer>(path: string, body?: object): Promise<Answer> {
    return this.#send(path, await this.#settings.token(), body)
  }

  async #send<Answer>(path: string, token: string, body?: object): Promise<Answer> {
    const { gate, release } = this.#settings
    const headers = { Authorization: `Bearer ${token}`, 'Mediaward-App-Release': release }
    const posted = { ...headers, 'Content-Type': 'application/json' }
    const init =
      body === undefined ? { headers } : { method: 'POST', headers: posted, body: JSON.stringify(body) }
    return jsonOf(await fetch(gate + path, init))
  }
}

async function jsonOf<Answer>(response: Response): Promise<Answer> {
  if (!response.ok) throw new Error(`${new URL(response.url).pathname} answered ${response.status}`)
  return (await response.json()) as Answer
}
