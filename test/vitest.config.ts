import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { docsExamples } from './support/docs-examples.ts'
import { LONG } from './support/sample.ts'

const root = new URL('..', import.meta.url).pathname

/** Tests of real processes over real HTTP: each file starts a gate of its own, on the runtime that the project names. */
function onRuntime(
  name: string,
  runtime: string,
  include: string,
  groupOrder = 0,
  workers: { readonly maxWorkers?: string } = {},
): TestProjectConfiguration {
  return {
    root,
    test: {
      name: `${name}:${runtime}`,
      include: [include],
      env: { MEDIAWARD_RUNTIME: runtime },
      testTimeout: 120_000,
      hookTimeout: 60_000,
      sequence: { groupOrder },
      ...workers,
    },
  }
}
const WIRE = 'test/wire/**/*.test.ts'
// They wait more than they work, so no core has to be left to the runner.
const ONE_A_CORE = { maxWorkers: '100%' }
const BROWSER = 'test/browser/**/*.test.ts'
// Programs that others wrote, from Debian's packages: ffmpeg, curl, wget, Firefox, WebKit.
const PLAYERS = 'test/peers/{browsers,demo-page,packagers,players}.test.ts'

export default defineConfig({
  root,
  test: {
    globalSetup: ['./test/support/temporary-folder.ts'],
    reporters: ['default', './test/support/runtime-table.ts'],
    projects: [
      {
        root,
        test: {
          name: 'node',
          include: ['test/{unit,contract,property,architecture,package}/**/*.test.ts'],
          testTimeout: LONG ? 3_600_000 : 60_000,
        },
      },
      {
        root,
        plugins: [
          docsExamples(),
          cloudflareTest({ wrangler: { configPath: './test/workerd/wrangler.toml' }, verbose: false }),
        ],
        test: { name: 'workerd', include: ['test/workerd/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        root,
        // The servers of Deno and Node in processes of their own, as a service manager would have them.
        test: {
          name: 'service',
          include: ['test/{service,streams}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      onRuntime('wire', 'workerd', WIRE, 1, ONE_A_CORE),
      onRuntime('wire', 'deno', WIRE, 2, ONE_A_CORE),
      onRuntime('wire', 'node', WIRE, 3, ONE_A_CORE),
      onRuntime('browser', 'workerd', BROWSER, 4),
      onRuntime('browser', 'deno', BROWSER, 5),
      onRuntime('browser', 'node', BROWSER, 6),
      onRuntime('peers', 'workerd', PLAYERS),
      onRuntime('peers', 'deno', PLAYERS),
      onRuntime('peers', 'node', PLAYERS),
      {
        root,
        plugins: [docsExamples()],
        test: {
          name: 'peers',
          include: ['test/peers/{case,full-disk,nginx,postgres,systemd}.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
