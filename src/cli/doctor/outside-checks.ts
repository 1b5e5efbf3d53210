import { isLoopback } from '../../base/url.ts'
import { Failure } from '../../doctor/failure.ts'
import { type Checks, failed, notChecked, type Outcome, ok, warning } from '../../doctor/finding.ts'
import { parseUrl } from '../../doctor/settings.ts'
import { PROBE_CONTENT } from '../../doctor/storage-probes.ts'
import { describe, isNoAnswer, judgeSilence } from './absence.ts'
import type { Asked, SeenAnswer } from './outside-probes.ts'

/** What was seen of a deployment from where the command runs. */
export interface OutsideFacts {
  /** The origin that the command was given. */
  readonly url: URL
  readonly publicUrl: string | undefined
  /** Whether the gate answers at `PUBLIC_URL`, if that is another origin. */
  readonly atPublicUrl: Asked | undefined
  /** Whether the gate answers at the same host without TLS. Undefined if the gate is on this machine. */
  readonly withoutTls: Asked | undefined
  readonly refusals: readonly (SeenAnswer | Failure)[]
  readonly longToken: SeenAnswer | Failure
  /** What `/readyz` answered. */
  readonly ready: SeenAnswer | Failure
  /** How many seconds the clock of the gate is ahead of this machine's. */
  readonly ahead: number
  /** Whether the bucket held the gate's object while its addresses were asked. */
  readonly isObjectThere: boolean
  /** What may be public addresses of the bucket. */
  readonly buckets: readonly (Asked & { readonly list: SeenAnswer | Failure })[]
  /** What may be other addresses of the gate. */
  readonly others: readonly Asked[]
}

/** Whether a deployment looks from outside as it should. */
export const OUTSIDE_CHECKS: Checks<OutsideFacts> = {
  /** The gate is reached by TLS alone, at `PUBLIC_URL`. */
  address({ url, publicUrl, atPublicUrl }) {
    if (url.protocol === 'http:' && !isLoopback(url)) {
      return failed(
        `${url.origin} has no TLS, and the token of this command was sent to it`,
        'use https://, and get a new token',
      )
    }
    if (publicUrl === undefined || publicUrl === url.origin) return ok(`the gate answers at ${url.origin}`)
    const isLocal = isLoopback(url) && isLoopback(parseUrl(publicUrl))
    if (isLocal || (atPublicUrl !== undefined && isGate(atPublicUrl))) {
      return warning(
        `the gate was asked at ${url.origin}, and PUBLIC_URL is ${publicUrl}`,
        `run this with --url ${publicUrl} to see what players see`,
      )
    }
    return failed(
      `PUBLIC_URL is ${publicUrl}, and no gate answers there (${describe(atPublicUrl?.answer)})`,
      'set PUBLIC_URL to the origin that players reach the gate at, or put the gate there',
    )
  },

  /** The gate doesn't answer without TLS. */
  plain_http({ withoutTls }) {
    if (withoutTls === undefined) return []
    const { url, answer } = withoutTls
    if (isGate(withoutTls)) {
      return warning(
        `the gate also answers at ${url.origin}, where tokens and recordings can be read on the way`,
        'redirect http to https in front of the gate ("Always Use HTTPS" at Cloudflare)',
      )
    }
    // The host is there, so a connection that it refuses is an answer.
    const isRefused = answer instanceof Failure && answer.why === 'ECONNREFUSED'
    return isNoAnswer(answer) && !isRefused
      ? notChecked(`whether the gate answers at ${url.origin} is not known from here (${describe(answer)})`)
      : ok(`the gate does not answer at ${url.origin}`)
  },

  /** Nothing between here and the gate keeps answers, or changes refusals. */
  cache: ({ refusals }) => judgeRefusals(refusals),

  /** Long tokens reach the gate. Providers that write many groups into a token need more than the 8 KiB of many proxies. */
  long_tokens({ longToken }) {
    return isGateAnswer(longToken)
      ? ok('a token of 16,000 characters reaches the gate')
      : warning(
          `a token of 16,000 characters does not reach the gate (${describe(longToken)})`,
          'allow headers of 32 KiB in what is in front (nginx: large_client_header_buffers 4 32k), if your tokens are long',
        )
  },

  /** The gate says at `/readyz` that it can answer requests. */
  ready({ ready }) {
    if (!(ready instanceof Failure)) {
      if (ready.status === 200 && ready.body === 'ready') return ok('the gate says that it is ready')
      if (ready.status === 503 && ready.body === 'not ready') {
        return failed(
          'the gate says that it is not ready',
          'look at its console: it names the part that failed',
        )
      }
    }
    return notChecked(
      `/readyz does not say whether the gate is ready (${describe(ready)})`,
      'let the proxy in front pass it on, or give the option health: true to a gate in an app',
    )
  },

  /** The clock of the gate agrees with that of this machine. */
  clock_here({ ahead }) {
    const off = Math.round(Math.abs(ahead))
    if (off <= NOTABLE) return ok('the clock of the gate agrees with that of this machine')
    return warning(
      `the clock of the gate is ${off} s ${ahead < 0 ? 'behind' : 'ahead of'} that of this machine`,
      'set the clock that is wrong',
    )
  },

  /** Nothing but the gate serves the bucket, at the addresses that `--public-bucket` names. */
  public_bucket({ buckets, isObjectThere }) {
    if (buckets.length === 0) {
      return notChecked(
        'whether the bucket has a public address is not known from here',
        'name its custom domains and r2.dev URL, if there are any, with --public-bucket: they must not answer',
      )
    }
    return buckets.map(bucket => judgeBucket(bucket, isObjectThere))
  },

  /** The gate has no second address, such as one below workers.dev, of those that `--workers-dev` names. */
  workers_dev({ others }) {
    if (others.length === 0) {
      return notChecked(
        'whether the gate has a second address is not known from here',
        'on Workers, name its address below workers.dev with --workers-dev: it must not answer',
      )
    }
    return others.map(other => {
      const name = other.url.origin
      if (isGate(other)) {
        return failed(
          `the gate also answers at ${name}, past the rules of its own address`,
          'set "workers_dev = false" and "preview_urls = false" in wrangler.toml, and deploy',
        )
      }
      const answered = ok(`no gate answers at ${name} (${describe(other.answer)})`)
      return judgeSilence({ ...other, option: '--workers-dev', name }) ?? answered
    })
  },
}

/** Differences of less than this many seconds may be the time that the answer took. */
const NOTABLE = 10

/** Whether an answer is that of a gate to a preflight of the doctor's own route. */
function isGateAnswer(answer: SeenAnswer | Failure): boolean {
  return (
    !(answer instanceof Failure) && answer.status === 204 && answer.headers.get('allow') === 'POST, OPTIONS'
  )
}

const isGate = ({ answer }: Asked): boolean => isGateAnswer(answer)

/** Headers that say something of an object, or that a cache adds. None of them belongs on a refusal. */
const REVEALING = ['etag', 'last-modified', 'accept-ranges', 'content-range', 'age']

function judgeRefusals(refusals: readonly (SeenAnswer | Failure)[]): Outcome {
  for (const answer of refusals) {
    if (answer instanceof Failure || answer.status !== 401) {
      return failed(
        `a request without a token was not refused by the gate (${describe(answer)})`,
        'let what is in front of the gate pass every request on, and every answer back',
      )
    }
    const { headers } = answer
    const isStored = /^(?:hit|stale|updating|revalidated)/i.test(headers.get('cf-cache-status') ?? '')
    const added = REVEALING.filter(name => headers.has(name))
    if (isStored || added.length > 0 || /\bhit\b/i.test(headers.get('x-cache') ?? '')) {
      return failed(
        `a cache in front of the gate answers for it${added.length > 0 ? ` (${added.join(', ')})` : ''}`,
        'turn it off for this host: it would give one patient what another was given',
      )
    }
    const isWhole = headers.get('content-type') === 'application/problem+json'
    if (!isWhole || !/\bno-store\b/.test(headers.get('cache-control') ?? '')) {
      return failed(
        'a refusal did not arrive as the gate sent it',
        'let what is in front of the gate change neither headers nor bodies',
      )
    }
  }
  return ok('refusals arrive as the gate sends them, and no cache keeps them')
}

/** Statuses by which a server says that an object is not there, or not for this client. */
const ABSENT: readonly number[] = [401, 403, 404, 410]

function judgeBucket(
  { url, answer, list }: OutsideFacts['buckets'][number],
  isObjectThere: boolean,
): Outcome {
  const name = `${url.host}${url.pathname}`
  const close = 'remove the custom domain, the r2.dev URL or the policy that makes the bucket public'
  if (!(answer instanceof Failure) && answer.body === PROBE_CONTENT) {
    return failed(`${name} serves the bucket, and every recording in it`, close)
  }
  if (!(list instanceof Failure) && list.status === 200 && /<(?:Contents|KeyCount)>/.test(list.body)) {
    return failed(`${name} lists the bucket`, close)
  }
  const asked = { option: '--public-bucket', name, url }
  const silence = judgeSilence({ ...asked, answer }) ?? judgeSilence({ ...asked, answer: list })
  if (silence !== undefined) return silence
  const status = answer instanceof Failure ? 0 : answer.status
  if (status < 300) {
    return warning(`${name} answers, with something else than the bucket's object`, 'look at what it serves')
  }
  if (!ABSENT.includes(status)) {
    return notChecked(
      `${name} does not say whether it has the bucket (status ${status})`,
      'look at what answers there',
    )
  }
  return isObjectThere
    ? ok(`${name} does not serve the bucket (status ${status})`)
    : notChecked(
        `${name} was asked while the gate's object was not in the bucket`,
        'look at the check "recordings", and run this again',
      )
}
