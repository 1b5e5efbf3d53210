import { checkTable } from '../../config/check-options.ts'
import { ConfigurationError, type LedgerJurisdiction, type MediawardOptions } from '../../config/options.ts'
import { OPTIONS } from '../../config/table.ts'
import { type SpooledLedger, withSpool } from '../../ledger/spool.ts'
import type { FindingControl } from '../../watch/finding-control.ts'
import { controlBy } from '../../watch/findings/calls.ts'
import type { RuleSettings } from '../../watch/in-force.ts'
import type {
  Bucket,
  ControlStub,
  LedgerNamespace,
  LogFindingsStub,
  LogSinksStub,
  LogStub,
  ObjectNamespace,
} from './bindings.ts'
import { findBindingMistakes } from './check-bindings.ts'
import { createCloudflareLedger } from './cloudflare-ledger.ts'
import { createCloudflareControl } from './control/cloudflare-control.ts'
import { rulesIn } from './log-variables.ts'
import { createR2Spool } from './r2/r2-spool.ts'
import { createR2Store } from './r2/r2-store.ts'

/**
 * At most 800 records a run; the rest waits for the next. A run may ask R2 and the inboxes 1,000 times. It asks 824 times if the
 * ledger takes all records, and at most 812 times if it takes none.
 */
const REPLAY_LIMIT = 800

/** The bindings that Mediaward works with on Workers. */
export interface CloudflareBindings {
  /** The bucket with the recordings. It must have no public domain: whatever reads it directly passes us by. */
  readonly RECORDINGS: Bucket
  /** The bucket for records that the ledger can't take, and a copy of the restrictions. Another one than `RECORDINGS`. */
  readonly AUDIT: Bucket
  /** The inboxes of the log: the class `LedgerObject`, with SQLite storage. */
  readonly LEDGER: LedgerNamespace
  /** The log: the class `LogObject`, with SQLite storage. */
  readonly LOG: ObjectNamespace<LogStub & LogSinksStub & LogFindingsStub>
  /** The restrictions: the class `ControlObject`, with SQLite storage. */
  readonly CONTROL: ObjectNamespace<ControlStub>
}

/** The options that follow from running on Workers. */
export interface CloudflareOptions
  extends Required<Pick<MediawardOptions, 'store' | 'network' | 'replay' | 'sinkControl' | 'control'>> {
  readonly ledger: SpooledLedger
  readonly findingControl: FindingControl
  readonly rules: RuleSettings
}

/**
 * Store, ledger and network facts on Cloudflare Workers: `mediaward({ …, ...cloudflare(env) })`.
 *
 * @param shards how many inboxes the log has, 1 to 64 (`LEDGER_SHARDS`). Default 4
 * @param jurisdiction where these objects stay (`LEDGER_JURISDICTION`). Default: Cloudflare chooses. With another one
 *   these are other objects, so it never changes
 * @throws ConfigurationError if a binding isn't what it must be, or the objects can't be so many or stay there
 */
export function cloudflare(
  bindings: CloudflareBindings,
  shards: number = OPTIONS.ledgerShards.default,
  jurisdiction?: LedgerJurisdiction,
): CloudflareOptions {
  const options = { ledgerShards: shards, ledgerJurisdiction: jurisdiction }
  checkTable(OPTIONS, options, Object.keys(options), findBindingMistakes(bindings))
  const inboxes = namespaceIn(bindings.LEDGER, jurisdiction)
  const logs = namespaceIn(bindings.LOG, jurisdiction)
  const objects = createCloudflareLedger({ inboxes, logs, count: shards })
  const ledger = withSpool(objects, createR2Spool(bindings.AUDIT))
  return {
    store: createR2Store(bindings.RECORDINGS),
    ledger,
    control: createCloudflareControl(namespaceIn(bindings.CONTROL, jurisdiction), bindings.AUDIT),

    sinkControl: {
      list: () => logs.get(logs.idFromName('log')).listSinks(),
      test: name => logs.get(logs.idFromName('log')).testSink(name),
      replay: (name, replay) => logs.get(logs.idFromName('log')).replaySink(name, replay),
    },

    findingControl: controlBy(call => logs.get(logs.idFromName('log')).findings(call)),
    rules: rulesIn(bindings),

    async replay() {
      await ledger.replay(REPLAY_LIMIT)
    },

    network(request) {
      const ip = request.headers.get('cf-connecting-ip')
      const { asn, country } = (request as { cf?: { asn?: unknown; country?: unknown } }).cf ?? {}
      return {
        ...(ip !== null && { ip }),
        ...(typeof asn === 'number' && { asn }),
        ...(typeof country === 'string' && { country }),
      }
    },
  }
}

/** Returns the namespace in a jurisdiction. A record must not be kept elsewhere because a runtime knows none. */
export function namespaceIn<Stub>(
  namespace: ObjectNamespace<Stub>,
  jurisdiction: LedgerJurisdiction | undefined,
): ObjectNamespace<Stub> {
  if (jurisdiction === undefined) return namespace
  try {
    const restricted = namespace.jurisdiction?.(jurisdiction)
    if (restricted !== undefined) return restricted
  } catch {
    // workerd on one's own machine throws.
  }
  throw new ConfigurationError([
    'LEDGER_JURISDICTION (ledgerJurisdiction) needs Cloudflare: workerd on your own machine has no jurisdictions, so set LEDGER_JURISDICTION= in .dev.vars',
  ])
}
