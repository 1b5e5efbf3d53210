import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const root = new URL('..', import.meta.url).pathname

export default defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        test: {
          name: 'node',
          include: ['test/{unit,contract,property,architecture}/**/*.test.ts'],
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
        // Real processes and real HTTP: each file starts a gate of its own.
        test: {
          name: 'wire',
          include: ['test/wire/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        root,
        // Programs that others wrote, from Debian's packages: ffmpeg, curl.
        test: {
          name: 'peers',
          include: ['test/peers/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
