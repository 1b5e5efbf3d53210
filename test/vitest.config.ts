import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'

const root = new URL('..', import.meta.url).pathname

/** Real processes and real HTTP: each file starts a gate of its own, on the runtime that the project names. */
function wire(runtime: string, groupOrder: number): TestProjectConfiguration {
  return {
    root,
    test: {
      name: `wire:${runtime}`,
      include: ['test/wire/**/*.test.ts'],
      env: { MEDIAWARD_RUNTIME: runtime },
      testTimeout: 120_000,
      hookTimeout: 60_000,
      sequence: { groupOrder },
    },
  }
}

function peers(runtime: string): TestProjectConfiguration {
  return {
    root,
    test: {
      name: `peers:${runtime}`,
      include: ['test/peers/players.test.ts'],
      env: { MEDIAWARD_RUNTIME: runtime },
      testTimeout: 60_000,
      hookTimeout: 60_000,
    },
  }
}

export default defineConfig({
  root,
  test: {
    reporters: ['default', './test/support/runtime-table.ts'],
    projects: [
      {
        root,
        test: {
          name: 'node',
          include: ['test/{unit,contract,property,architecture,package}/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        root,
        plugins: [
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
      wire('workerd', 1),
      wire('deno', 2),
      wire('node', 3),
      // Programs that others wrote, from Debian's packages: ffmpeg, curl, nginx.
      peers('workerd'),
      peers('deno'),
      peers('node'),
      {
        root,
        test: {
          name: 'peers',
          include: ['test/peers/{full-disk,nginx,systemd}.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
