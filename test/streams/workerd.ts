import process from 'node:process'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { bundle } from '../../src/cli/workerd.ts'

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    name: 'streams',
    modules: true,
    script: await bundle(process.env.TEST_APP ?? ''),
    compatibilityDate: '2026-10-20',
    r2Buckets: ['RECORDINGS'],
    host: '127.0.0.1',
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
  }),
)
await miniflare.ready
const { origin } = await miniflare.unsafeGetDirectURL()
process.stdout.write(`${JSON.stringify({ ready: true, url: origin })}\n`)
process.once('SIGTERM', () => void miniflare.dispose().then(() => process.exit(0)))
