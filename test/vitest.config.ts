import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { docsExamples } from './support/docs-examples.ts'
import { LONG } from './support/sample.ts'

const root = new URL('..', import.meta.url).pathname

// Tests wait more than they work, so no core has to be left to the runner.
const ONE_A_CORE = { maxWorkers: '100%' }

/** Tests of real processes over real HTTP: each file starts a gate of its own, on the runtime that the project names. */
function onRuntime(
  name: string,
  runtime: string,
  include: string,
  groupOrder: number,
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
      ...ONE_A_CORE,
    },
  }
}
const WIRE = 'test/wire/**/*.test.ts'
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
          hookTimeout: 60_000,
          ...ONE_A_CORE,
        },
      },
      {
        root,
        plugins: [
          docsExamples(),
          cloudflareTest({ wrangler: { configPath: './test/workerd/wrangler.toml' }, verbose: false }),
        ],
        test: { name: 'workerd', include: ['test/workerd/**/*.test.ts'], testTimeout: 60_000, ...ONE_A_CORE },
      },
      {
        root,
        // The servers of Deno and Node in processes of their own, as a service manager would have them.
        test: {
          name: 'service',
          include: ['test/{service,streams}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...ONE_A_CORE,
        },
      },
      onRuntime('wire', 'workerd', WIRE, 1),
      onRuntime('wire', 'deno', WIRE, 1),
      onRuntime('wire', 'node', WIRE, 1),
      onRuntime('browser', 'workerd', BROWSER, 2),
      onRuntime('browser', 'deno', BROWSER, 2),
      onRuntime('browser', 'node', BROWSER, 2),
      onRuntime('peers', 'workerd', PLAYERS, 1),
      onRuntime('peers', 'deno', PLAYERS, 1),
      onRuntime('peers', 'node', PLAYERS, 1),
      {
        root,
        plugins: [docsExamples()],
        test: {
          name: 'peers',
          include: ['test/peers/{case,full-disk,metrics,nginx,postgres,syslog,systemd}.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...ONE_A_CORE,
        },
      },
    ],
  },
})
