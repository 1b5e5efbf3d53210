import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { mediaward } from '../../src/index.ts'
import {
  ControlObject,
  cloudflare,
  LedgerObject,
  LogObject as RuledLogObject,
} from '../../src/runtime/cloudflare/index.ts'
import { FAKE_RULES } from '../support/fake-rules.ts'
import { issuer } from './issuer.ts'

export { ControlObject, LedgerObject }

/** A log without rules: what they find would be records, too. */
export class LogObject extends RuledLogObject {
  static override watching() {
    return undefined
  }
}

/** A log with rules. */
export class WatchedLogObject extends RuledLogObject {
  static override watching() {
    return FAKE_RULES
  }
}

declare global {
  namespace Cloudflare {
    interface Env {
      RECORDINGS: R2Bucket
      AUDIT: R2Bucket
      DB: D1Database
      LEDGER: DurableObjectNamespace<LedgerObject>
      LOG: DurableObjectNamespace<LogObject>
      CONTROL: DurableObjectNamespace<ControlObject>
      WATCHED_LOG: DurableObjectNamespace<WatchedLogObject>
      PSEUDONYM_KEY: string
    }
    interface GlobalProps {
      mainModule: typeof import('./app.ts')
    }
  }
}

const app = new Hono()
app.get('/', context => context.text('my app'))
app.use(
  '/recordings/*',
  mediaward({ issuers: [issuer], pseudonymKey: env.PSEUDONYM_KEY, ...cloudflare(env) }),
)
// Never reached: the middleware hands nothing on.
app.get('/recordings/*', context => context.text('past the gate'))

export default app
